// WeightedTurns: whose turn it is among members of different weight, smoothly and exactly.
//
// Each member's k-th turn (k from 0) falls due at virtual time (2k + 1) / 2w, w its weight, and the
// earliest is taken: the divisor method of Sainte-Laguë. Up to any whole virtual time t a member of
// weight w has had exactly w * t turns, and in between no other order keeps everyone closer to its
// share: weights 5:1:1 give a a b c a a a, never five a in a row. A heap makes a turn O(log n).
//
// Virtual time is in units of 1/span, a power of two so large that two weights of SRV records never
// share a rounding; a member counts its turns anew each whole unit, so roundings never add up.

/// The order of turns within one tier. Value type; each worker has its own.
struct WeightedTurns {
    private struct Member {
        /// When its next turn is due.
        var due: UInt64
        /// The whole virtual time from which it counts.
        var base: UInt64
        /// Turns it has had since `base`, below `weight`.
        var turns: UInt64
        let weight: UInt64
        /// Among equals the lower goes first.
        let order: Int
        /// Its place in the tier.
        let index: Int

        mutating func setDue() {
            due = base + span * (2 * turns + 1) / (2 * weight)
        }
    }

    /// How far a member had come when a rotation was replaced.
    struct Progress {
        fileprivate let turns: UInt64
        fileprivate let weight: UInt64
        fileprivate let ahead: UInt64
    }

    /// One unit of virtual time. A weight is below 2^24 (65,535 * 256), so span * 2 * weight fits.
    private static let span: UInt64 = 1 << 36
    private static var spanLimit: UInt64 { 1 << 62 }

    /// A heap by (due, order): the first is next.
    private var heap: [Member] = []

    /// Starts with members of the given weights (each 1 to 2^24 - 1), of whom some go on where
    /// `progress` says they were; the others join as if they had just had their share. `offset`
    /// says who is first among equals, so that workers don't all begin with the same one.
    init(weights: [UInt32], progress: (Int) -> Progress?, offset: Int) {
        let count = weights.count
        for (index, weight) in weights.enumerated() {
            let weight = UInt64(weight)
            precondition(weight > 0 && weight < 1 << 24)
            var member = Member(
                due: 0, base: Self.span, turns: 0, weight: weight,
                order: (index + offset) % count, index: index)
            if let progress = progress(index), progress.weight == weight {
                member.turns = progress.turns
                member.base = Self.span + progress.ahead
                member.base -= Self.span * (2 * progress.turns + 1) / (2 * weight)
            }
            member.setDue()
            heap.append(member)
        }
        for index in (0..<count / 2).reversed() { siftDown(from: index) }
    }

    /// How many members there are.
    var count: Int { heap.count }

    /// The member whose turn it is; nil when there are none.
    var first: Int? { heap.first?.index }

    /// Takes the turn of the member whose turn it is.
    ///
    /// - Precondition: there is one.
    /// - Complexity: O(log n).
    mutating func takeFirst() {
        advance(0)
        siftDown(from: 0)
    }

    /// Takes the turn of the first member that `isAllowed`; nil when none is. The turns of those
    /// passed over stay due.
    ///
    /// - Complexity: O(n).
    mutating func take(_ isAllowed: (Int) -> Bool) -> Int? {
        var best: Int?
        for place in heap.indices where isAllowed(heap[place].index) {
            if let known = best, !precedes(heap[place], heap[known]) { continue }
            best = place
        }
        guard let best else { return nil }
        let index = heap[best].index
        advance(best)
        siftDown(from: best)
        return index
    }

    /// Where each member is, to carry over into the next rotation's turns.
    func progress() -> [(index: Int, Progress)] {
        let now = heap.first?.due ?? 0
        return heap.map { member in
            (
                member.index,
                Progress(turns: member.turns, weight: member.weight, ahead: member.due - now)
            )
        }
    }

    private mutating func advance(_ place: Int) {
        heap[place].turns += 1
        if heap[place].turns == heap[place].weight {
            heap[place].turns = 0
            heap[place].base += Self.span
        }
        heap[place].setDue()
        if heap[place].due >= Self.spanLimit { rebase() }
    }

    /// Brings virtual time back near zero, once in 2^26 units; differences stay as they are.
    private mutating func rebase() {
        let least = heap.map(\.base).min() ?? 0
        for place in heap.indices {
            heap[place].base -= least
            heap[place].setDue()
        }
    }

    private func precedes(_ left: Member, _ right: Member) -> Bool {
        left.due != right.due ? left.due < right.due : left.order < right.order
    }

    private mutating func siftDown(from start: Int) {
        var place = start
        while true {
            var least = place
            for child in 2 * place + 1..<2 * place + 3 where child < heap.count {
                if precedes(heap[child], heap[least]) { least = child }
            }
            guard least != place else { return }
            heap.swapAt(place, least)
            place = least
        }
    }
}
