// What a process and its children have cost, as the kernel counts it.

internal import FoundationEssentials

/// The processor time, in nanoseconds, of every thread of `root` and of the processes below it, so far.
/// Time of threads that have ended is not in it; the proxies here keep theirs.
func processorNanoseconds(ofTreeAt root: Int32) -> UInt64 {
    tree(at: root).reduce(0) { sum, process in
        let tasks = "/proc/\(process)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
        return threads.reduce(sum) { sum, thread in
            // The first of the three numbers is the time on a processor (Linux, sched-stats.rst).
            let words = text("\(tasks)/\(thread)/schedstat").split(separator: " ")
            return sum + (words.first.flatMap { UInt64($0) } ?? 0)
        }
    }
}

/// The text of a file of /proc; empty when the process has ended.
func text(_ path: String) -> String {
    // Not `Data(contentsOf:)` with a size known before: files of /proc say that they are empty.
    (try? String(contentsOf: URL(filePath: path), encoding: .utf8)) ?? ""
}

private func tree(at root: Int32) -> [Int32] {
    let children = text("/proc/\(root)/task/\(root)/children").split(separator: " ")
    return [root] + children.compactMap { Int32($0) }.flatMap(tree(at:))
}
