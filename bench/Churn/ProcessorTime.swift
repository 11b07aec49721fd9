// ProcessorTime: whether the machine had processors to spare. Without, a proxy's figures are those
// of whatever else was at work.

internal import BenchSupport

/// What the processors have done so far, all together (proc(5), /proc/stat).
struct ProcessorTime: Equatable {
    private var idle: UInt64
    private var all: UInt64

    /// The processor time used until now.
    init() {
        self.init(text("/proc/stat"))
    }

    /// The processor time that a text of that file says.
    init(_ text: String) {
        // cpu user nice system idle iowait irq softirq steal; what follows is in `user` already.
        let line = text.split(separator: "\n").first ?? ""
        let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { UInt64($0) }
        all = ticks.reduce(0, +)
        idle = ticks.count > 4 ? ticks[3] + ticks[4] : 0
    }

    /// The share of the time between the two in which they had nothing to do; 1 for no time at all.
    func idleShare(since start: ProcessorTime) -> Double {
        all > start.all ? Double(idle - start.idle) / Double(all - start.all) : 1
    }
}
