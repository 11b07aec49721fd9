// Histogram: how long things took, in buckets whose bounds are what Prometheus shows.

/// Durations counted by bucket. One writing thread, as `Counter`.
package struct Histogram: ~Copyable, Sendable {
    /// Upper bounds in microseconds, ascending; one more bucket takes what is above the last.
    package static let boundsMicroseconds = [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
        1_000_000, 2_500_000, 5_000_000, 10_000_000,
    ]

    private let buckets = InlineArray<17, Counter> { _ in Counter() }
    private let sumMicroseconds = Counter()

    /// Empty.
    package init() {}

    /// Counts one duration. The one writing thread only.
    package func record(microseconds: Int) {
        buckets[Self.bucket(of: microseconds)].add()
        sumMicroseconds.add(microseconds)
    }

    /// The bucket that a duration is counted in.
    static func bucket(of microseconds: Int) -> Int {
        var index = 0
        let bounds = boundsMicroseconds
        while index < bounds.count, microseconds > bounds[index] { index += 1 }
        return index
    }

    /// How many durations were counted. Any thread.
    package var count: Int {
        var count = 0
        for index in buckets.indices { count += buckets[index].current }
        return count
    }

    /// All of them added up, in microseconds. Any thread.
    package var sum: Int { sumMicroseconds.current }

    /// The counts now. Any thread.
    package var totals: HistogramTotals {
        var totals = HistogramTotals()
        for index in buckets.indices { totals.counts[index] = buckets[index].current }
        totals.sumMicroseconds = sumMicroseconds.current
        return totals
    }
}

/// The counts of one or several histograms, added up. Value type, any thread.
package struct HistogramTotals: Sendable, Equatable {
    /// One count a bucket, not cumulative, in the order of `Histogram.boundsMicroseconds`.
    package var counts = [Int](repeating: 0, count: Histogram.boundsMicroseconds.count + 1)
    /// The sum of all durations.
    package var sumMicroseconds = 0

    /// Nothing counted.
    package init() {}

    /// How many durations were counted.
    package var count: Int { counts.reduce(0, +) }

    /// An estimate, in microseconds, of the duration that the share `quantile` (0 to 1) does not
    /// exceed, linear within its bucket; nil when nothing was counted.
    package func quantileMicroseconds(_ quantile: Double) -> Double? {
        let total = count
        guard total > 0 else { return nil }
        var rank = quantile * Double(total)
        for (index, inBucket) in counts.enumerated() where inBucket > 0 {
            if rank <= Double(inBucket) {
                let bounds = Histogram.boundsMicroseconds
                let lower = index == 0 ? 0 : Double(bounds[index - 1])
                // Above the last bound nothing is known but that it is above.
                guard index < bounds.count else { return lower }
                return lower + (Double(bounds[index]) - lower) * rank / Double(inBucket)
            }
            rank -= Double(inBucket)
        }
        return Histogram.boundsMicroseconds.last.map(Double.init)
    }

    /// Adds another histogram's counts.
    package static func += (left: inout HistogramTotals, right: HistogramTotals) {
        for index in left.counts.indices { left.counts[index] += right.counts[index] }
        left.sumMicroseconds += right.sumMicroseconds
    }
}
