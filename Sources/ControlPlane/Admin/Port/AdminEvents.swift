// AdminEvents: `/events`: what happens, as it happens. A client that accepts `text/event-stream`
// gets a stream of the journal and, once a second, of the figures; any other gets the entries that
// there are, or waits for the next one. All clients get the same bytes, which are made once, and
// only while there are clients.
//
// Three things are bounded: streams and waits together (`listenersMax`), what a client may leave
// unread (HTTPServerOptions), and the share of the control thread that figures may take: when they
// are expensive, as with thousands of backends, they come less often.

internal import Events
internal import HTTP1
internal import HTTPServer

/// The clients of `/events` of one admin port. Control thread only.
final class AdminEvents {
    /// The most streams and waiting requests together: the server has connections left for others.
    static let listenersMax = 32
    /// The most backends in the figures of one service; `/services/NAME` has all of them.
    private static let backendsMax = 200
    private static let heartbeat = Duration.seconds(15)

    private final class Listener {
        let stream: HTTPServerStream
        let wantsFigures: Bool
        /// The number of the next journal entry to send.
        var next: UInt64
        var lastSent = ContinuousClock.now

        init(_ stream: HTTPServerStream, from next: UInt64, wantsFigures: Bool) {
            self.stream = stream
            self.next = next
            self.wantsFigures = wantsFigures
        }

        func send(_ bytes: [UInt8]) {
            lastSent = .now
            stream.send(bytes)
        }
    }

    private struct Waiting {
        let reply: HTTPServerReply
        let next: UInt64
        let until: ContinuousClock.Instant
    }

    private let controls: AdminControls
    private var listeners: [Listener] = []
    private var waiting: [Waiting] = []
    private var figuresTimer: Timer?
    private var waitTimer: Timer?

    init(on loop: EventLoop, controls: AdminControls) {
        self.controls = controls
        figuresTimer = Timer(on: loop) { [unowned self] in tick() }
        waitTimer = Timer(on: loop) { [unowned self] in endWaits() }
    }

    /// Streams and waiting requests.
    var count: Int { listeners.count + waiting.count }

    // MARK: - Requests

    /// Answers a request for `/events`, at once or later.
    func open(_ call: AdminCall, _ reply: HTTPServerReply) throws(AdminProblem) {
        let request = call.request
        let query = try call.query()
        let after = try query.number("after", 0...UInt64(Int64.max))
        let seconds = try query.number("wait", 0...60) ?? 0
        let figures = query["figures"] ?? "on"
        guard figures == "on" || figures == "off" else {
            throw AdminProblem(
                400, "figures is neither on nor off.", expected: "figures=on or figures=off")
        }
        let accepts = request.field("accept") ?? ""
        let streams = accepts.lowercased().contains("text/event-stream")
        let last = request.field("last-event-id").flatMap { UInt64($0) }
        let next = next(after: (streams ? last : nil) ?? after)
        let hasNone = controls.journalEnd() <= next
        guard count < Self.listenersMax || !(streams || (seconds > 0 && hasNone)) else {
            throw AdminProblem(
                503, "\(Self.listenersMax) clients listen already.",
                expected: "/events without wait, which answers at once, or another try later")
        }
        if streams {
            openStream(reply, from: next, wantsFigures: figures == "on")
        } else if seconds > 0, hasNone, request.method == .get {
            wait(reply, from: next, seconds: seconds)
        } else {
            reply.send(answer(from: next))
        }
    }

    /// The first entry that a client has not seen that has seen all up to `last`. A number that
    /// this process has not reached is that of another process: all entries are new then.
    private func next(after last: UInt64?) -> UInt64 {
        guard let last, last < controls.journalEnd() else { return 0 }
        return last + 1
    }

    private func openStream(
        _ reply: HTTPServerReply, from next: UInt64, wantsFigures: Bool
    ) {
        let head = HTTPServerResponse(
            status: 200, contentType: "text/event-stream", body: Array("retry: 2000\n\n".utf8),
            fields: AdminHandler.securityFields + [("X-Accel-Buffering", "no")])
        guard let stream = reply.stream(head) else { return }
        let listener = Listener(stream, from: next, wantsFigures: wantsFigures)
        listeners.append(listener)
        stream.onClose = { [weak self, unowned listener] in self?.forget(listener) }
        if let events = events(from: next) { send(events, to: listener) }
        if wantsFigures, let bytes = figures() { listener.send(bytes) }
        if figuresTimer?.isScheduled == false { figuresTimer?.schedule(after: .seconds(1)) }
    }

    private func forget(_ listener: Listener) {
        listeners.removeAll { $0 === listener }
        if listeners.isEmpty { figuresTimer?.cancel() }
    }

    private func wait(_ reply: HTTPServerReply, from next: UInt64, seconds: Int) {
        waiting.append(
            Waiting(reply: reply, next: next, until: .now + .seconds(seconds)))
        reply.onClose = { [weak self, unowned reply] in
            self?.waiting.removeAll { $0.reply === reply }
        }
        scheduleWaits()
    }

    // MARK: - The journal

    /// Sends the new entries of the journal to all clients.
    func journalChanged() {
        // Nearly all clients lack the same entries: those are written once.
        var made: [UInt64: Events] = [:]
        // Sending may end a stream, which takes it off the list.
        for listener in listeners {
            let events = made[listener.next] ?? events(from: listener.next)
            made[listener.next] = events
            if let events { send(events, to: listener) }
        }
        let end = controls.journalEnd()
        answerWaiting { $0.next < end }
    }

    /// Entries as a stream has them, and the number of the one that comes after them.
    private struct Events {
        let bytes: [UInt8]
        let next: UInt64
    }

    private func send(_ events: Events, to listener: Listener) {
        listener.next = events.next
        listener.send(events.bytes)
    }

    /// The journal entries from `next` on; nil when there are none.
    private func events(from next: UInt64) -> Events? {
        let entries = controls.entries(next)
        guard let last = entries.last else { return nil }
        var bytes: [UInt8] = []
        for entry in entries {
            guard let data = encodeJSON(JournalView(entry)) else { continue }
            bytes += Array("id: \(entry.number)\nevent: journal\ndata: ".utf8)
            // The document ends in a line feed; a blank line ends the event.
            bytes += data
            bytes.append(0x0A)
        }
        return Events(bytes: bytes, next: last.number + 1)
    }

    private func answer(from next: UInt64) -> HTTPServerResponse {
        let entries = controls.entries(next)
        let end = controls.journalEnd()
        return AdminHandler.json(
            EventsDocument(
                last: end > 0 ? end - 1 : nil, entries: entries.map(JournalView.init)))
    }

    private func endWaits() {
        let now = ContinuousClock.now
        answerWaiting { $0.until <= now }
        scheduleWaits()
    }

    private func answerWaiting(_ isDue: (Waiting) -> Bool) {
        let due = waiting.filter(isDue)
        waiting.removeAll(where: isDue)
        for waiting in due { waiting.reply.send(answer(from: waiting.next)) }
    }

    private func scheduleWaits() {
        guard let first = waiting.map(\.until).min() else {
            waitTimer?.cancel()
            return
        }
        waitTimer?.schedule(after: first - .now)
    }

    // MARK: - Figures

    private func tick() {
        let start = ContinuousClock.now
        let listeners = listeners
        if listeners.contains(where: \.wantsFigures), let bytes = figures() {
            for listener in listeners where listener.wantsFigures { listener.send(bytes) }
        }
        for listener in listeners where listener.lastSent + Self.heartbeat <= start {
            listener.send(Array(": still here\n\n".utf8))
        }
        guard !self.listeners.isEmpty else { return }
        // At most a tenth of the thread's time.
        let cost = start.duration(to: .now)
        figuresTimer?.schedule(after: max(.seconds(1), cost * 10))
    }

    private func figures() -> [UInt8]? {
        let document = StatsDocument(
            controls.snapshot(), hasJournal: false, backendsMax: Self.backendsMax,
            certificatesMax: Self.backendsMax)
        guard let data = encodeJSON(document) else { return nil }
        return Array("event: figures\ndata: ".utf8) + data + [0x0A]
    }
}

/// The document at `/events`, for a client that does not ask for a stream.
struct EventsDocument: Encodable {
    /// The number of the newest entry, to be sent as `after` the next time; nil before the first.
    let last: UInt64?
    /// The oldest first.
    let entries: [JournalView]
}
