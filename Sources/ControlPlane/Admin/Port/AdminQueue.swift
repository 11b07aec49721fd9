// AdminQueue: requests take turns with everything else on the control thread. An answer may be dear, as
// /stats with thousands of backends is, and connections are many: answered as they come, they could hold
// up checks and discovery for seconds. So after each answer the port rests for as long as that took, and
// what comes meanwhile waits in line.

internal import Events
internal import HTTPServer

/// The line of one admin port. Control thread only.
final class AdminQueue {
    private var waiting: [(request: HTTPServerRequest, reply: HTTPServerReply)] = []
    /// How many of those, the first ones, are urgent.
    private var urgentCount = 0
    private var freeFrom = ContinuousClock.now
    private var timer: Timer?
    private let answer: (HTTPServerRequest, HTTPServerReply) -> Void

    /// Answers by `answer`, which may take its time.
    init(on loop: EventLoop, answer: @escaping (HTTPServerRequest, HTTPServerReply) -> Void) {
        self.answer = answer
        timer = Timer(on: loop) { [unowned self] in next() }
    }

    /// Answers now, if nothing is in line and nobody has just been answered at length; later otherwise.
    /// As many can wait as there are connections: each has one request at a time.
    /// One that is urgent goes before the others.
    func take(_ request: HTTPServerRequest, _ reply: HTTPServerReply, isUrgent: Bool = false) {
        guard waiting.isEmpty, freeFrom <= .now else {
            waiting.insert((request, reply), at: isUrgent ? urgentCount : waiting.count)
            if isUrgent { urgentCount += 1 }
            if timer?.isScheduled == false { timer?.schedule(after: freeFrom - .now) }
            return
        }
        work(request, reply)
    }

    private func next() {
        guard !waiting.isEmpty else { return }
        let (request, reply) = waiting.removeFirst()
        urgentCount = max(0, urgentCount - 1)
        work(request, reply)
        if !waiting.isEmpty, timer?.isScheduled == false {
            timer?.schedule(after: max(.zero, freeFrom - .now))
        }
    }

    private func work(_ request: HTTPServerRequest, _ reply: HTTPServerReply) {
        let start = ContinuousClock.now
        answer(request, reply)
        let end = ContinuousClock.now
        freeFrom = end + start.duration(to: end)
    }
}
