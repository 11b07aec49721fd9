// AdminQueue: requests take turns with everything else on the control thread. An answer may be
// dear, as /stats with thousands of backends is, and connections are many: answered as they come,
// they could hold up checks and discovery for seconds. So a dear answer is made piece by piece, the
// port rests after each piece for as long as that took, and what comes meanwhile waits in line,
// before the next piece.

internal import Events

/// The line of one admin port. Control thread only.
final class AdminQueue {
    /// Does a part of the work, and returns what is left of it; nil when that is nothing.
    struct Work {
        let next: () -> Work?
    }

    private var waiting: [Work] = []
    /// How many of those, the first ones, are urgent.
    private var urgentCount = 0
    private var freeFrom = ContinuousClock.now
    private var timer: Timer?

    /// A line in which nobody waits.
    init(on loop: EventLoop) {
        timer = Timer(on: loop) { [unowned self] in next() }
    }

    /// Works now, if nothing is in line and nobody has just been answered at length; later
    /// otherwise. As many can wait as there are connections: each has one request at a time. What
    /// is left after a part goes to the end of the line; one that is urgent goes before the others.
    func take(_ work: Work, isUrgent: Bool = false) {
        guard waiting.isEmpty, freeFrom <= .now else {
            waiting.insert(work, at: isUrgent ? urgentCount : waiting.count)
            if isUrgent { urgentCount += 1 }
            return schedule()
        }
        perform(work)
    }

    private func next() {
        guard !waiting.isEmpty else { return }
        urgentCount = max(0, urgentCount - 1)
        perform(waiting.removeFirst())
    }

    private func perform(_ work: Work) {
        let start = ContinuousClock.now
        let rest = work.next()
        let end = ContinuousClock.now
        freeFrom = end + start.duration(to: end)
        if let rest { waiting.append(rest) }
        schedule()
    }

    private func schedule() {
        guard !waiting.isEmpty, timer?.isScheduled == false else { return }
        timer?.schedule(after: max(.zero, freeFrom - .now))
    }
}
