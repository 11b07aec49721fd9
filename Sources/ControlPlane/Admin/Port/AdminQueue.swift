// AdminQueue: requests take turns with everything else on the control thread. An answer may be
// expensive, as /stats with thousands of backends is, and there may be many connections: answered
// as they come, requests could hold up checks and discovery for seconds. So an expensive answer is
// made piece by piece, the port pauses after each piece for as long as that took, and requests that
// come meanwhile wait in line, before the next piece.

internal import Events

/// The requests of one admin port that wait. Control thread only.
final class AdminQueue {
    /// Work in parts: `next` does a part, and returns the rest; nil when nothing is left.
    struct Work {
        let next: () -> Work?
    }

    private var waiting: [Work] = []
    /// How many of those that wait are urgent; they are the first.
    private var urgentCount = 0
    private var freeFrom = ContinuousClock.now
    private var timer: Timer?

    /// An empty queue.
    init(on loop: EventLoop) {
        timer = Timer(on: loop) { [unowned self] in next() }
    }

    /// Does the work at once, if nothing waits and the port does not pause; later otherwise. At
    /// most as much can wait as there are connections: each has one request at a time. The rest of
    /// work that was begun goes to the end of the line; urgent work goes before the other.
    func submit(_ work: Work, isUrgent: Bool = false) {
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
