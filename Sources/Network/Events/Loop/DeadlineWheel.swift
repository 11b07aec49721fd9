// DeadlineWheel: all deadlines of a loop, each at the price of a store.
//
// A deadline moves with every request, so a timer each would be re-armed all the time. Here an
// object sits in the slot of a time not later than its deadline; moving the deadline later only
// changes the number, and the object is put in its new place when the old slot comes round. One
// tick of 100 ms serves all of them, and none runs while no deadline is set.

/// Hashed timing wheel of lazily moved deadlines. Loop thread only.
final class DeadlineWheel {
    /// How late a deadline may fire, in nanoseconds: 100 ms, fine beside time-outs of a second.
    static let tickNanoseconds: UInt64 = 100_000_000
    /// Slots for 51.2 s; a deadline further off is looked at once a round.
    private static let slotCount: UInt64 = 512

    private var slots = [DeadlineList](repeating: DeadlineList(), count: Int(slotCount))
    /// The last tick whose slot was walked, counted from the clock's zero.
    private var currentTick: UInt64 = 0
    private var count = 0
    /// Whether `advance` calls back. Then the clock stays where the walk is, though a callback may
    /// set the first deadline again: a jump would put that in the very slot that is being walked.
    private var isWalking = false

    var isEmpty: Bool { count == 0 }

    /// Takes up the clock after a time without deadlines.
    func start(now: UInt64) {
        if isEmpty, !isWalking { currentTick = now / Self.tickNanoseconds }
    }

    /// Puts `object`, which is in no slot, where its deadline will be seen in time.
    func insert(_ object: Deadlined) {
        // The slot at or after the deadline, so that it has passed when the slot comes round.
        let due = object.deadlineNanoseconds / Self.tickNanoseconds &+ 1
        let tick = min(max(due, currentTick + 1), currentTick + Self.slotCount - 1)
        object.deadlinesSeenFrom = (tick - 1) * Self.tickNanoseconds
        slots[Int(tick % Self.slotCount)].append(object)
        count += 1
    }

    /// Takes `object` out of its slot, if it is in one.
    func remove(_ object: Deadlined) {
        guard object.isInWheel else { return }
        let tick = object.deadlinesSeenFrom / Self.tickNanoseconds + 1
        slots[Int(tick % Self.slotCount)].remove(object)
        object.deadlinesSeenFrom = .max
        count -= 1
    }

    /// Calls `onDeadline` of every object whose deadline has passed by `now`.
    func advance(to now: UInt64) {
        let target = now / Self.tickNanoseconds
        isWalking = true
        defer { isWalking = false }
        // After a long stall one round over all slots sees everything.
        if target > currentTick + Self.slotCount { currentTick = target - Self.slotCount }
        while currentTick < target {
            currentTick += 1
            let slot = Int(currentTick % Self.slotCount)
            // Popped one by one, since a callback may close others of this slot. One that is
            // put back goes to another slot (`insert`), so this ends.
            while let object = slots[slot].popFirst() {
                object.deadlinesSeenFrom = .max
                count -= 1
                if object.deadlineNanoseconds <= now {
                    object.deadlineNanoseconds = .max
                    object.onDeadline()
                } else if object.deadlineNanoseconds != .max {
                    insert(object)
                }
            }
        }
    }
}

/// Doubly linked list through the objects themselves: insertion and removal allocate nothing.
@safe struct DeadlineList {
    // An object removes itself from its list before it is gone (Deadlined.deinit), so a link never
    // outlives its target.
    private unowned(unsafe) var first: Deadlined?
    private unowned(unsafe) var last: Deadlined?

    mutating func append(_ object: Deadlined) {
        unsafe object.previousInSlot = last
        unsafe object.nextInSlot = nil
        if let last = unsafe last {
            unsafe last.nextInSlot = object
        } else {
            unsafe first = object
        }
        unsafe last = object
    }

    mutating func remove(_ object: Deadlined) {
        let previous = unsafe object.previousInSlot
        let next = unsafe object.nextInSlot
        if let previous { unsafe previous.nextInSlot = next } else { unsafe first = next }
        if let next { unsafe next.previousInSlot = previous } else { unsafe last = previous }
        unsafe object.previousInSlot = nil
        unsafe object.nextInSlot = nil
    }

    mutating func popFirst() -> Deadlined? {
        guard let object = unsafe first else { return nil }
        remove(object)
        return object
    }
}
