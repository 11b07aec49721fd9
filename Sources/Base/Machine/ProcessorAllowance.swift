// ProcessorAllowance: how many processors this process may use: those that the scheduler lets it
// run on (sched_setaffinity(2)), or fewer when a control group has a quota (cgroups(7)), as
// containers do. A thread more than that only waits for its turn, in slices that clients notice as
// latency.

internal import CLinux
internal import Documents

/// What the machine lets this process have. Any thread.
package enum ProcessorAllowance {
    /// Processors that can be used at once, at least 1.
    package static func count() -> Int {
        count(processors: Int(allowed_processors())) { path in
            try? NamedText.read(path: path).text
        }
    }

    /// How many of `processors` the process may use. `read` returns what a file of the kernel says,
    /// nil for one that is not there.
    package static func count(processors: Int, read: (String) -> String?) -> Int {
        let processors = max(processors, 1)
        guard let groups = read("/proc/self/cgroup") else { return processors }
        var least = Double(processors)
        for line in groups.split(separator: "\n") {
            // hierarchy:controllers:path
            let parts = line.split(
                separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isUnified = parts[1].isEmpty
            guard isUnified || parts[1].split(separator: ",").contains("cpu") else { continue }
            let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu"
            // A limit of any group above holds as well.
            for group in ancestors(of: String(parts[2])) {
                let quota =
                    isUnified ? unified(root + group, read) : separate(root + group, read)
                if let quota { least = min(least, quota) }
            }
        }
        // A part of a processor is used as well.
        return max(Int(least.rounded(.up)), 1)
    }

    /// The paths of a group and of those above it: `/a/b`, `/a` and the empty one.
    private static func ancestors(of path: String) -> [String] {
        let names = path.split(separator: "/")
        return (0...names.count).reversed().map { count in
            names.prefix(count).map { "/\($0)" }.joined()
        }
    }

    /// Version 2: `cpu.max` has quota and period.
    private static func unified(_ folder: String, _ read: (String) -> String?) -> Double? {
        let words = read("\(folder)/cpu.max")?.split { $0.isWhitespace } ?? []
        guard words.count == 2 else { return nil }
        return ratio(words[0], words[1])
    }

    /// Version 1: a file for each; a quota of -1 is none.
    private static func separate(_ folder: String, _ read: (String) -> String?) -> Double? {
        guard let quota = read("\(folder)/cpu.cfs_quota_us"),
            let period = read("\(folder)/cpu.cfs_period_us")
        else { return nil }
        return ratio(quota.prefix { !$0.isWhitespace }, period.prefix { !$0.isWhitespace })
    }

    private static func ratio(_ quota: Substring, _ period: Substring) -> Double? {
        guard let quota = Double(quota), let period = Double(period), quota > 0, period > 0 else {
            return nil
        }
        return quota / period
    }
}
