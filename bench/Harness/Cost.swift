// Cost: what a process has cost, and whether something else was at work beside it.

internal import BenchSupport
internal import FoundationEssentials
internal import Glibc

/// The processor time of a process over a stretch of time.
struct Cost: Codable, Sendable {
    /// Of all its threads and children.
    var nanoseconds: Double
    /// The share of the proxy's processor that others had meanwhile, the hypervisor among them.
    var foreignShare: Double
}

/// The cost of `process` while `body` runs.
func cost<Result>(
    of process: Int32, _ body: () async throws -> Result
) async throws -> (Cost, Result) {
    let (start, own, busy) = (
        monotonic(), processorNanoseconds(ofTreeAt: process), busyNanoseconds()
    )
    let result = try await body()
    let elapsed = Double(monotonic() - start)
    let spent = Double(processorNanoseconds(ofTreeAt: process) - own)
    let foreign = max(0, Double(busyNanoseconds() - busy) - spent)
    return (Cost(nanoseconds: spent, foreignShare: foreign / elapsed), result)
}

/// The processor time, in nanoseconds, of every thread of `root` and of the processes below it, so
/// far. Time of threads that have ended is not in it; the proxies here keep theirs.
private func processorNanoseconds(ofTreeAt root: Int32) -> UInt64 {
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

/// What is not idle on the proxy's processor, so far.
private func busyNanoseconds() -> UInt64 {
    let line = text("/proc/stat").split(separator: "\n").first {
        $0.hasPrefix("cpu\(Processor.proxy) ")
    }
    // user nice system idle iowait irq softirq steal, in hundredths of a second (proc(5)).
    let ticks = (line ?? "").split(separator: " ").dropFirst().prefix(8).compactMap { UInt64($0) }
    let busy = ticks.enumerated().filter { $0.offset != 3 && $0.offset != 4 }
    return busy.map(\.element).reduce(0, +) * 10_000_000
}

/// Resident bytes of the process and those below it.
func residentBytes(ofTreeAt root: Int32) -> Int {
    tree(at: root).reduce(0) { sum, process in
        let line = text("/proc/\(process)/status").split(separator: "\n").first {
            $0.hasPrefix("VmRSS:")
        }
        let kibibytes = (line ?? "").split(whereSeparator: { !$0.isNumber }).first
        return sum + (kibibytes.flatMap { Int($0) } ?? 0) * 1024
    }
}

private func tree(at root: Int32) -> [Int32] {
    let children = text("/proc/\(root)/task/\(root)/children").split(separator: " ")
    return [root] + children.compactMap { Int32($0) }.flatMap(tree(at:))
}
