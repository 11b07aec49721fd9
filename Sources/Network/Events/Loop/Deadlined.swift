// Deadlined: what a loop keeps a deadline for. A channel is one, and so is what has no descriptor
// of its own but a time by which something has to have happened, such as a request.

/// An object with one deadline. Loop thread only.
///
/// `open` and not `package`, because only `open` allows subclasses in other modules. The loop does
/// not keep the object alive: one that is released is called no more.
@safe open class Deadlined {
    /// The loop that calls the object.
    package let loop: EventLoop

    // MARK: For DeadlineWheel
    @usableFromInline var deadline: UInt64 = .max
    /// The slot that the object is in sees deadlines from this time on; `.max` when in none. Tells
    /// which slot it is, and costs every idle connection less than an optional would.
    @usableFromInline var deadlinesSeenFrom = UInt64.max
    var isInWheel: Bool { deadlinesSeenFrom != .max }
    unowned(unsafe) var nextInSlot: Deadlined?
    unowned(unsafe) var previousInSlot: Deadlined?

    /// An object without a deadline.
    package init(on loop: EventLoop) {
        self.loop = loop
    }

    deinit {
        loop.wheel.remove(self)
    }

    /// The deadline has passed. It is unset by then.
    open func onDeadline() {}

    /// When `onDeadline` is called, in the loop's `nowNanoseconds`; `.max` is never. It may be
    /// called up to 100 ms late. Moving a deadline later costs a store.
    @inlinable package final var deadlineNanoseconds: UInt64 {
        get { deadline }
        set {
            deadline = newValue
            if newValue < deadlinesSeenFrom { putInWheel() }
        }
    }

    /// Sees to it that the deadline is noticed, which is earlier than a slot would.
    @usableFromInline func putInWheel() {
        loop.wheel.remove(self)
        loop.armDeadlines()
        loop.wheel.insert(self)
    }
}
