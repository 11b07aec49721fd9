// HashRing: points on a circle of 2^32 hashes, each of a backend; a key belongs to the first point
// at or after it. A backend that leaves gives its keys to those that follow its points, and takes
// none from the others; one that comes takes its share from all.
//
// Where a backend's points are follows from its endpoint alone, so all workers, all processes and
// all lives of Fairlead agree. How many it has is by weight: 4,096 for an average one (shares are
// within 2 % of the weights then), less when the backends are so many that all together would have
// more than 2^18: 26 each at 10,000, where shares are only within 20 %. From 65 backends on, all
// give up a few points for one that comes, so it moves twice its share of the keys.
//
// The points are sorted into as many buckets as there are points, so that a key is found in one
// step. A point is 8 bytes and a bucket 4: 3 MiB at most for each service and worker.

internal import Backends
internal import Random

/// The points of one tier. Value type.
struct HashRing {
    private struct Point {
        let hash: UInt32
        /// Its backend's place in the tier.
        let index: Int32
    }

    private static let pointsPerBackend = 4096
    private static let pointsMax = 1 << 18

    private var points: [Point] = []
    /// Where each bucket begins in `points`; the last one is where they end.
    private var buckets: [Int32] = [0]
    /// What is left of a hash after this shift is its bucket.
    private var shift: UInt32 = 32

    /// The ring of `tier`, which is one of a rotation of `count` backends; `hash` is that of a
    /// member's endpoint.
    ///
    /// - Complexity: O(number of points).
    init(_ tier: [Rotation.Member], ofRotationWith count: Int, hash: (Rotation.Member) -> UInt64) {
        let perBackend = min(Self.pointsPerBackend, max(1, Self.pointsMax / count))
        let weight = tier.reduce(0) { $0 + UInt64($1.weight) }
        let total = UInt64(perBackend * tier.count)
        var unsorted: [Point] = []
        for (index, member) in tier.enumerated() {
            var numbers = SplitMix64(seed: hash(member))
            for _ in 0..<max(1, UInt64(member.weight) * total / weight) {
                let hash = UInt32(truncatingIfNeeded: numbers.next() >> 32)
                unsorted.append(Point(hash: hash, index: Int32(index)))
            }
        }
        sort(unsorted)
    }

    /// The backend of the point at which `isAccepted` answers true first, along the ring from where
    /// `key` is; nil when none of the next `limit` points is accepted.
    func first(from key: UInt64, limit: Int, _ isAccepted: (Int) -> Bool) -> Int? {
        var position = position(of: UInt32(truncatingIfNeeded: key >> 32))
        var refused: Int32 = -1
        for _ in 0..<min(limit, points.count) {
            let index = points[position].index
            // Neighbours are often the same backend's.
            if index != refused {
                if isAccepted(Int(index)) { return Int(index) }
                refused = index
            }
            position = position + 1 < points.count ? position + 1 : 0
        }
        return nil
    }

    private func position(of hash: UInt32) -> Int {
        let bucket = Int(hash >> shift)
        let end = Int(buckets[bucket + 1])
        var position = Int(buckets[bucket])
        while position < end, points[position].hash < hash { position += 1 }
        return position < points.count ? position : 0
    }

    /// Fills `points` and `buckets`: buckets are in order, and each is so small that insertion
    /// sorts it best.
    private mutating func sort(_ unsorted: [Point]) {
        let bits = UInt32(max(1, Int.bitWidth - unsorted.count.leadingZeroBitCount - 1))
        shift = 32 - bits
        buckets = Array(repeating: 0, count: (1 << Int(bits)) + 1)
        for point in unsorted { buckets[Int(point.hash >> shift) + 1] += 1 }
        for bucket in 1..<buckets.count { buckets[bucket] += buckets[bucket - 1] }
        points = Array(repeating: Point(hash: 0, index: 0), count: unsorted.count)
        var filled = buckets
        for point in unsorted {
            let bucket = Int(point.hash >> shift)
            var position = Int(filled[bucket])
            filled[bucket] += 1
            // Stable, so that of two points with one hash the earlier backend's is first
            // everywhere.
            while position > Int(buckets[bucket]), points[position - 1].hash > point.hash {
                points[position] = points[position - 1]
                position -= 1
            }
            points[position] = point
        }
    }
}
