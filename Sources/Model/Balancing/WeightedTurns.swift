// WeightedTurns: whose turn it is among members of different weight, smoothly and exactly.
//
// Each member's k-th turn (k from 0) falls due at virtual time (2k + 1) / 2w, w its weight, and the
// earliest is taken: the divisor method of Sainte-Laguë. Up to any whole virtual time t a member of
// weight w has had exactly w * t turns, and in between no other order keeps everyone closer to its
// share: weights 5:1:1 give a a b c a a a, never five a in a row. A heap makes a turn O(log n).
//
// Virtual time is in units of 1/span, a power of two so large that two weights of SRV records never
// share a rounding; a member starts its count over with each whole unit, so roundings never add up.
//
// Among equals, the next in turn is far away in the tier, by the golden ratio. Neighbours in a tier
// are backends on one host, which fail together, and a request that one of them failed is not to go
// on to the next of them.
//
// Members may have levels (of load), and then only those of the lowest level take turns. A member
// that comes back to that level after a while goes on from now: it does not make up for the turns
// that it missed.

/// The order of turns within one tier. Value type; each worker has its own.
struct WeightedTurns {
    /// How far a member had come when a rotation was replaced.
    struct Progress {
        fileprivate let turns: UInt64
        fileprivate let weight: UInt64
        fileprivate let ahead: UInt64
    }

    private struct Member {
        /// The virtual time from which it counts.
        var base: UInt64
        /// Turns it has had since `base`, below `weight`.
        var turns: UInt64
        let weight: UInt64

        /// When its next turn is due.
        var due: UInt64 { base + WeightedTurns.delay(turns: turns, weight: weight) }
    }

    /// What the heap is ordered by.
    private struct Entry {
        /// The least is first.
        var level = 0
        /// Of one level, the earliest is first.
        var due: UInt64
        /// Among equals the lower is first.
        let order: Int32
        /// Its place in the tier.
        let index: Int32

        func precedes(_ other: Entry) -> Bool {
            if level != other.level { return level < other.level }
            return due != other.due ? due < other.due : order < other.order
        }
    }

    /// One unit of virtual time. A weight is below 2^24 (65,535 * 256), so span * 2 * weight fits.
    private static let span: UInt64 = 1 << 36
    private static let timeMax: UInt64 = 1 << 62

    /// The latest time at which a turn was taken.
    private var now = Self.span
    private var members: [Member] = []
    private var heap: [Entry] = []
    /// Where in the heap each member is.
    private var slots: [Int32] = []

    /// Starts with members of the given weights (each 1 to 2^24 - 1), of whom some go on where
    /// `progress` says they were; the others join as if they had just had their share. `offset`
    /// says who is first among equals, so that workers don't all begin with the same one.
    init(weights: [UInt32], progress: (Int) -> Progress?, offset: Int) {
        let count = weights.count
        let orders = Self.orders(count, offset: offset)
        for (index, weight) in weights.enumerated() {
            let member = Self.member(weight: UInt64(weight), progress(index))
            members.append(member)
            slots.append(Int32(index))
            heap.append(Entry(due: member.due, order: orders[index], index: Int32(index)))
        }
        for slot in (0..<count / 2).reversed() { siftDown(from: slot) }
    }

    /// The order among equals, by index: from one turn to the next it moves by the golden section
    /// of `count`, or what is next below it and has no divisor in common with it, so that all are
    /// met.
    private static func orders(_ count: Int, offset: Int) -> [Int32] {
        var stride = max(1, count * 618 / 1000)
        while !isCoprime(stride, count) { stride -= 1 }
        var orders = [Int32](repeating: 0, count: count)
        for turn in 0..<count { orders[turn * stride % count] = Int32((turn + offset) % count) }
        return orders
    }

    private static func isCoprime(_ left: Int, _ right: Int) -> Bool {
        var (left, right) = (left, right)
        while right != 0 { (left, right) = (right, left % right) }
        return left == 1
    }

    /// Of another weight than it had, a member has the same fraction of a turn to wait.
    private static func member(weight: UInt64, _ progress: Progress?) -> Member {
        precondition(weight > 0 && weight < 1 << 24)
        guard let progress else { return Member(base: span, turns: 0, weight: weight) }
        let isSame = progress.weight == weight
        let turns = isSame ? progress.turns : 0
        // Nobody waits longer than one turn, which is a span over its weight; so the product fits.
        let ahead = isSame ? progress.ahead : progress.ahead * progress.weight / weight
        return Member(
            base: span + ahead - delay(turns: turns, weight: weight), turns: turns, weight: weight)
    }

    private static func delay(turns: UInt64, weight: UInt64) -> UInt64 {
        span * (2 * turns + 1) / (2 * weight)
    }

    /// The member whose turn it is; nil when there are none.
    var first: Int? { heap.first.map { Int($0.index) } }

    /// Picks the member whose turn it is, and moves it on to its next turn.
    ///
    /// - Precondition: there is one.
    /// - Complexity: O(log n).
    mutating func pickFirst() {
        now = max(now, heap[0].due)
        advance(slot: 0)
    }

    /// Picks the first member that `isAllowed`, and moves it on to its next turn; nil when none is.
    /// The turns of those passed over stay due.
    ///
    /// - Complexity: O(k + log n) for k members that are not allowed and come before it.
    mutating func pickFirst(where isAllowed: (Int) -> Bool) -> Int? {
        guard let slot = firstSlot(from: 0, isAllowed) else { return nil }
        let index = Int(heap[slot].index)
        advance(slot: slot)
        return index
    }

    /// From now on the member at `index` has this level, at first 0.
    ///
    /// - Complexity: O(log n).
    mutating func setLevel(_ level: Int, of index: Int) {
        let slot = Int(slots[index])
        let before = heap[slot].level
        guard level != before else { return }
        heap[slot].level = level
        if level < before { siftUp(from: slot) } else { siftDown(from: slot) }
    }

    /// Where each member is, by index, to carry over into the next rotation's turns. It counts from
    /// the turn that is due next, so that new members come after those who have waited.
    func progress() -> [Progress] {
        let next = max(now, members.map(\.due).min() ?? 0)
        return members.map { member in
            Progress(
                turns: member.turns, weight: member.weight, ahead: max(member.due, next) - next)
        }
    }

    // MARK: Turns

    private mutating func advance(slot: Int) {
        let index = Int(heap[slot].index)
        var member = members[index]
        if slot == 0, heap[0].due < now { member.base += now - heap[0].due }
        member.turns += 1
        if member.turns == member.weight {
            member.turns = 0
            member.base += Self.span
        }
        members[index] = member
        heap[slot].due = member.due
        siftDown(from: slot)
        if member.due >= Self.timeMax { rebase() }
    }

    /// Brings virtual time back near zero, once in 2^26 units; differences stay as they are, but
    /// for those of members that had been left behind.
    private mutating func rebase() {
        for slot in heap.indices {
            let index = Int(heap[slot].index)
            let due = max(heap[slot].due, now)
            members[index].base += due - heap[slot].due
            members[index].base -= now - Self.span
            heap[slot].due = due - (now - Self.span)
        }
        now = Self.span
        for slot in (0..<heap.count / 2).reversed() { siftDown(from: slot) }
    }

    // MARK: The heap

    /// The first of the allowed at or below `slot`. What is below an allowed one comes after it,
    /// and is not looked at.
    private func firstSlot(from slot: Int, _ isAllowed: (Int) -> Bool) -> Int? {
        guard slot < heap.count else { return nil }
        if isAllowed(Int(heap[slot].index)) { return slot }
        guard let left = firstSlot(from: 2 * slot + 1, isAllowed) else {
            return firstSlot(from: 2 * slot + 2, isAllowed)
        }
        guard let right = firstSlot(from: 2 * slot + 2, isAllowed) else { return left }
        return heap[right].precedes(heap[left]) ? right : left
    }

    private mutating func siftDown(from start: Int) {
        let entry = heap[start]
        var slot = start
        while 2 * slot + 1 < heap.count {
            var child = 2 * slot + 1
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(entry) else { break }
            put(heap[child], at: slot)
            slot = child
        }
        if slot != start { put(entry, at: slot) }
    }

    private mutating func siftUp(from start: Int) {
        let entry = heap[start]
        var slot = start
        while slot > 0 {
            let parent = (slot - 1) / 2
            guard entry.precedes(heap[parent]) else { break }
            put(heap[parent], at: slot)
            slot = parent
        }
        put(entry, at: slot)
    }

    private mutating func put(_ entry: Entry, at slot: Int) {
        heap[slot] = entry
        slots[Int(entry.index)] = Int32(slot)
    }
}
