// What an instance got of the requests, and what it lost of its streams, at worst.

extension Tally {
    /// Requests of each instance that a stretch has, so that a share of it is no accident.
    private static let requestsPerStretch = 40
    /// Streams that end within this time end together.
    private static let togetherNanoseconds: UInt64 = 100_000_000

    /// The largest share of any instance in any whole stretch from `start` on, as a multiple of an
    /// equal one. A stretch is as many seconds as it takes for 40 requests to each instance.
    static func unevenMax(_ exchanges: [Exchange], from start: UInt64, _ marks: Marks) -> Double {
        let end = marks.recovery ?? exchanges.map(\.due).max() ?? start
        let counted = exchanges.filter { $0.due >= start && $0.due < end }
        guard end > start, !counted.isEmpty else { return 0 }
        let rate = Double(counted.count) / Double(end - start)
        let wanted = Double(requestsPerStretch * marks.fairCount) / rate
        let stretch = max(1_000_000_000, UInt64(wanted))
        var all: [UInt64: Int] = [:]
        var own: [UInt64: [Int: Int]] = [:]
        for exchange in counted {
            let index = (exchange.due - start) / stretch
            // The last one may be cut short.
            guard start + (index + 1) * stretch <= end || end - start < stretch else { continue }
            all[index, default: 0] += 1
            if let instance = exchange.instance {
                own[index, default: [:]][instance, default: 0] += 1
            }
        }
        return all.map { index, count in
            Double((own[index] ?? [:]).values.max() ?? 0) * Double(marks.fairCount) / Double(count)
        }.max() ?? 0
    }

    /// Of the streams that an instance held when it held most, the largest part that ended within a
    /// tenth of a second. Streams that their clients ended don't count.
    static func endedTogether(_ streams: [HeldStream]) -> Double {
        Dictionary(grouping: streams, by: \.instance).values.map { group in
            let ends = group.compactMap(\.ended).sorted()
            var most = 0
            var first = 0
            for last in ends.indices {
                while ends[last] - ends[first] > togetherNanoseconds { first += 1 }
                most = max(most, last - first + 1)
            }
            return Double(most) / Double(heldMost(group))
        }.max() ?? 0
    }

    /// How many of `streams` were open at the same time at most; at least 1.
    private static func heldMost(_ streams: [HeldStream]) -> Int {
        let changes = streams.flatMap { [($0.opened, 1), ($0.ended ?? .max, -1)] }
        var held = 0
        var most = 1
        for change in changes.sorted(by: { ($0.0, $0.1) < ($1.0, $1.1) }) {
            held += change.1
            most = max(most, held)
        }
        return most
    }
}
