// Goal: a client gets each event once and in order, by stream or by polling, and any number of
// clients costs a bounded amount. Method: a journal that the test writes, over
// loopback sockets on a loop turned by the test.

import Admin
import Endpoints
import Events
import HTTP1
import HTTPServer
import Stats
import Testing

@Suite struct EventTests {
    private let loop = EventLoop()

    private func turn(until condition: () -> Bool) {
        for _ in 0..<20_000 where !condition() { loop.runOnce(waiting: true) }
        #expect(condition())
    }

    /// A client that keeps what it receives.
    private final class Ear: Channel {
        private(set) var text = ""
        private(set) var hasEnded = false
        private let buffer = ReceiveBuffer(capacity: 65_536)

        init(_ path: String, fields: String = "", to endpoint: Endpoint, on loop: EventLoop) throws
        {
            super.init(try Socket.connectStream(to: endpoint), on: loop)
            request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n"
            awaitWrite()
            startReading()
        }

        private var request = ""

        override func onWritable() {
            stopAwaitingWrite()
            _ = descriptor.send(Array(request.utf8).span)
        }

        override func onReadable() {
            switch descriptor.receive(into: buffer) {
            case .bytes(let count):
                var bytes: [UInt8] = []
                buffer.withBytes(count) { bytes.append($0) }
                text += String(decoding: bytes, as: UTF8.self)
            case .wouldBlock: break
            case .endOfStream, .failed:
                hasEnded = true
                stopReading()
            }
        }
    }

    private static let stream = "Accept: text/event-stream\r\n"

    /// An admin port over a journal that `write` adds to.
    private final class Port {
        let server: HTTPServer
        let handler: AdminHandler
        private let journal: Lines

        final class Lines {
            var entries: [AdminSnapshot.JournalEntry] = []
        }

        init(on loop: EventLoop) throws {
            let lines = Lines()
            var controls = AdminControls { Sample.healthy }
            controls.entries = { first in lines.entries.filter { $0.number >= first } }
            controls.journalEnd = { UInt64(lines.entries.count) }
            let listening = Endpoint(.loopback, 0)
            let handler = AdminHandler(
                access: AdminAccess(host: AdminHost(listeningOn: listening)), controls: controls,
                on: loop)
            self.handler = handler
            journal = lines
            server = try HTTPServer(
                on: listening, loop: loop, options: AdminHandler.serverOptions
            ) { handler.answer($0, $1) }
        }

        func write(_ text: String) {
            journal.entries.append(
                AdminSnapshot.JournalEntry(
                    number: UInt64(journal.entries.count), at: Sample.now, service: "web",
                    backend: "", text: text))
            handler.journalChanged()
        }
    }

    private func ear(_ path: String, _ fields: String = "", _ port: Port) throws -> Ear {
        try Ear(path, fields: fields, to: port.server.endpoint, on: loop)
    }

    // MARK: Streams

    @Test("a stream has old entries, new ones, and figures every second")
    func stream() throws {
        let port = try Port(on: loop)
        port.write("one")
        let ear = try ear("/events", Self.stream, port)
        turn { ear.text.contains("event: figures\ndata: {") }
        #expect(ear.text.contains("\r\nContent-Type: text/event-stream\r\n"))
        #expect(ear.text.contains("id: 0\nevent: journal\ndata: {"))
        #expect(ear.text.contains(#""sentence":"All services are well.""#))
        #expect(!ear.text.contains(#""journal":["#), "figures do not repeat the journal")
        port.write("two")
        turn { ear.text.contains(#""text":"two""#) }
        turn { ear.text.split(separator: "event: figures").count > 2 }
        #expect(ear.text.split(separator: #""text":"one""#).count == 2, "everything once")
        ear.close()
        port.server.close()
    }

    @Test("a client that comes back gets only new entries, however it says what it has")
    func comingBack() throws {
        let port = try Port(on: loop)
        for text in ["one", "two", "three"] { port.write(text) }
        let ears = [
            try ear("/events?after=1&figures=off", Self.stream, port),
            try ear("/events?after=0&figures=off", Self.stream + "Last-Event-ID: 1\r\n", port),
        ]
        for ear in ears {
            turn { ear.text.contains("three") }
            #expect(!ear.text.contains("two"))
            #expect(!ear.text.contains("figures"))
        }
        let stranger = try ear("/events?after=99&figures=off", Self.stream, port)
        turn { stranger.text.contains("three") }
        #expect(stranger.text.contains("one"), "a number that never was is another process's")
        for ear in ears + [stranger] { ear.close() }
        port.server.close()
    }

    // MARK: Polling

    @Test("without a stream the entries so far come at once")
    func entries() throws {
        let port = try Port(on: loop)
        let none = try ear("/events", "", port)
        turn { none.text.hasSuffix(#"{"entries":[]}"# + "\n") }
        port.write("one")
        port.write("two")
        let ear = try ear("/events?after=0", "", port)
        turn { ear.text.hasSuffix("\n\n") || ear.text.hasSuffix("}\n") }
        #expect(ear.text.contains(#""last":1"#))
        #expect(ear.text.contains("two") && !ear.text.contains("one"))
        for ear in [none, ear] { ear.close() }
        port.server.close()
    }

    @Test("a waiting client gets the next entry, or an answer when its time is over")
    func waiting() throws {
        let port = try Port(on: loop)
        port.write("one")
        let long = try ear("/events?after=0&wait=60", "", port)
        let short = try ear("/events?after=0&wait=1", "", port)
        turn { short.text.hasSuffix(#"{"entries":[],"last":0}"# + "\n") }
        #expect(long.text.isEmpty)
        port.write("two")
        turn { long.text.contains(#""text":"two""#) }
        for ear in [long, short] { ear.close() }
        port.server.close()
    }

    @Test(
        "a request that makes no sense is refused",
        arguments: ["after=x", "after=-1", "wait=61", "wait=1.5", "figures=maybe", "before=1"])
    func refusals(query: String) throws {
        let port = try Port(on: loop)
        let ear = try ear("/events?\(query)", Self.stream, port)
        turn { ear.text.hasPrefix("HTTP/1.1 400 ") }
        ear.close()
        port.server.close()
    }

    // MARK: Bounds

    @Test("clients beyond the limit are refused, other requests are answered, places get free")
    func limit() throws {
        let port = try Port(on: loop)
        port.write("one")
        var ears: [Ear] = []
        for number in 0..<32 {
            let path = number.isMultiple(of: 2) ? "/events" : "/events?after=0&wait=60"
            ears.append(
                try ear(path, number.isMultiple(of: 2) ? Self.stream : "", port))
        }
        turn { port.server.connectionCount == 32 && ears[30].text.contains("figures") }
        let late = try ear("/events", Self.stream, port)
        turn { late.text.hasPrefix("HTTP/1.1 503 ") }
        #expect(late.text.contains("\r\nRetry-After: 5\r\n"))
        let other = try ear("/health/live", "", port)
        turn { other.text.hasSuffix("live\n") }
        for ear in ears { ear.close() }
        turn { port.server.connectionCount <= 2 }
        let next = try ear("/events", Self.stream, port)
        turn { next.text.contains("one") }
        for ear in [late, other, next] { ear.close() }
        port.server.close()
    }

    // MARK: The past

    @Test("each second of the last minutes is kept, for a limited number of services")
    func history() {
        let history = TrafficHistory()
        var totals = ServiceTotals()
        for second in 0...310 {
            totals[.requests] += second
            totals[.failed] += 1
            history.record([(7, totals)] + (100..<400).map { ($0, ServiceTotals()) })
        }
        let recent = history.recent(7)
        #expect(recent?.requests == Array(11...310))
        #expect(recent?.errors == [Int](repeating: 1, count: 300))
        #expect(history.recent(354) != nil && history.recent(355) == nil)
        history.record([])
        #expect(history.recent(7) == nil)
    }
}
