// DeadlineWheel: the deadlines of all channels of a loop at the price of a store.
//
// A deadline moves with every request, so a timer each would be re-armed all the time. Here a
// channel sits in the slot of a time not later than its deadline; moving the deadline later only
// changes the number, and the channel is put in its new place when the old slot comes round. One
// tick of 100 ms serves all channels, and none runs while no deadline is set.

/// Hashed timing wheel of lazily moved deadlines. Loop thread only.
final class DeadlineWheel {
    /// How late a deadline may fire, in nanoseconds: 100 ms, fine beside time-outs of a second.
    static let tickNanoseconds: UInt64 = 100_000_000
    /// Slots for 51.2 s; a deadline further off is looked at once a round.
    private static let slotCount: UInt64 = 512

    private var slots = [ChannelList](repeating: ChannelList(), count: Int(slotCount))
    /// The last tick whose slot was walked, counted from the clock's zero.
    private var currentTick: UInt64 = 0
    private var count = 0

    var isEmpty: Bool { count == 0 }

    /// Takes up the clock after a time without deadlines.
    func start(now: UInt64) {
        if isEmpty { currentTick = now / Self.tickNanoseconds }
    }

    /// Puts `channel`, which is in no slot, where its deadline will be seen in time.
    func insert(_ channel: Channel) {
        // The slot at or after the deadline, so that it has passed when the slot comes round.
        let due = channel.deadlineNanoseconds / Self.tickNanoseconds &+ 1
        let tick = min(max(due, currentTick + 1), currentTick + Self.slotCount - 1)
        channel.deadlinesSeenFrom = (tick - 1) * Self.tickNanoseconds
        slots[Int(tick % Self.slotCount)].append(channel)
        count += 1
    }

    /// Takes `channel` out of its slot, if it is in one.
    func remove(_ channel: Channel) {
        guard channel.isInWheel else { return }
        let tick = channel.deadlinesSeenFrom / Self.tickNanoseconds + 1
        slots[Int(tick % Self.slotCount)].remove(channel)
        channel.deadlinesSeenFrom = .max
        count -= 1
    }

    /// Calls `onDeadline` of every channel whose deadline has passed by `now`.
    func advance(to now: UInt64) {
        let target = now / Self.tickNanoseconds
        // After a long stall one round over all slots sees everything.
        if target > currentTick + Self.slotCount { currentTick = target - Self.slotCount }
        while currentTick < target {
            currentTick += 1
            let slot = Int(currentTick % Self.slotCount)
            // Popped one by one, since a callback may close others of this slot. A channel put
            // back goes to another slot (`insert`), so this ends.
            while let channel = slots[slot].popFirst() {
                channel.deadlinesSeenFrom = .max
                count -= 1
                if channel.deadlineNanoseconds <= now {
                    channel.deadlineNanoseconds = .max
                    channel.onDeadline()
                } else if channel.deadlineNanoseconds != .max {
                    insert(channel)
                }
            }
        }
    }
}

/// Doubly linked list through the channels themselves: insertion and removal allocate nothing.
@safe struct ChannelList {
    // A channel removes itself from its list before it is released (Channel.close), so a link
    // never outlives its target.
    private unowned(unsafe) var first: Channel?
    private unowned(unsafe) var last: Channel?

    mutating func append(_ channel: Channel) {
        unsafe channel.previousInSlot = last
        unsafe channel.nextInSlot = nil
        if let last = unsafe last {
            unsafe last.nextInSlot = channel
        } else {
            unsafe first = channel
        }
        unsafe last = channel
    }

    mutating func remove(_ channel: Channel) {
        let previous = unsafe channel.previousInSlot
        let next = unsafe channel.nextInSlot
        if let previous { unsafe previous.nextInSlot = next } else { unsafe first = next }
        if let next { unsafe next.previousInSlot = previous } else { unsafe last = previous }
        unsafe channel.previousInSlot = nil
        unsafe channel.nextInSlot = nil
    }

    mutating func popFirst() -> Channel? {
        guard let channel = unsafe first else { return nil }
        remove(channel)
        return channel
    }
}
