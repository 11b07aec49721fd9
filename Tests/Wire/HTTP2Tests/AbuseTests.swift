// Goal: no peer can have a server work without end at little cost of its own, and no honest one is
// taken for such a peer.
// Method: each known attack is played until the server stops it; what it took till then is judged.
// Beside each stands the nearest thing that honest clients do.

internal import HTTP2
internal import Testing

@Suite("HTTP/2 abuse") struct AbuseTests {
    /// Plays `frames` again and again, each time for the next stream, until the connection ends;
    /// returns how often, and what the peer was told in between.
    private func flood(
        _ peer: Peer, atMost rounds: Int = 200_000, releases: Bool = true,
        _ frames: (UInt32) -> [Frame]
    ) -> (rounds: Int, events: [Peer.Happening]) {
        var stream: UInt32 = 1
        var events: [Peer.Happening] = []
        for round in 1...rounds {
            for event in peer.receive(frames(stream)) {
                switch event {
                case .other(.connectionError): return (round, events + [event])
                case .other(.reset(let slot, _)) where releases,
                    .other(.streamError(let slot, _, _)) where releases:
                    peer.connection.release(slot)
                case .headers, .discarded, .data, .other(.windowOpened), .other(.settings),
                    .other(.reset), .other(.streamError):
                    break
                default: events.append(event)
                }
            }
            _ = peer.frames()
            stream += 2
        }
        return (rounds, events)
    }

    private func closed(_ fault: HTTP2Fault) -> Peer.Happening {
        .other(.connectionError(.enhanceYourCalm, fault))
    }

    // MARK: - Streams

    @Test("rapid reset: streams opened and reset at once (CVE-2023-44487)")
    func rapidReset() {
        let peer = Peer.ready()
        let (rounds, events) = flood(peer) { [.headers($0), .reset($0)] }
        #expect(rounds == 201)
        #expect(events == [.other(.draining(.resets)), closed(.resets)])
        #expect(peer.connection.faults[.resets] == 2)
    }

    @Test("rapid reset while backends still work: no more streams than 100 at a time")
    func rapidResetOfBusyStreams() {
        let peer = Peer.ready()
        var most = 0
        let (rounds, _) = flood(peer, releases: false) { stream in
            most = max(most, peer.connection.streamCount)
            return [.headers(stream), .reset(stream)]
        }
        #expect(rounds == 201 && most <= 100)
    }

    @Test(
        "streams that the peer makes the server reset (CVE-2025-8671)",
        arguments: [
            [Frame.headers(0, end: false), .windowUpdate(0, 0)],
            [.headers(0), .data(0, 1)],
            [.headers(0), .priority(0, on: 0)],
            [.headers(0), Frame(.priority, [0])],
            [.headers(0, end: false), .windowUpdate(0, 0x7FFF_FFFF)],
            [.headers(0, end: false), .headers(0, end: false)],
        ])
    func madeYouReset(_ frames: [Frame]) {
        let peer = Peer.ready()
        let (rounds, events) = flood(peer) { stream in
            frames.map { frame in
                var frame = frame
                frame.stream = stream
                if frame.kind == .priority, frame.payload.count == 5 {
                    frame.payload = Frame.priority(stream, on: stream).payload
                }
                return frame
            }
        }
        #expect(rounds <= 201 && events.first == .other(.draining(.resets)))
        #expect(events.count == 2 && peer.hasFailed)
    }

    @Test("streams beyond the limit, without end")
    func tooManyStreams() {
        let peer = Peer.ready()
        let (rounds, events) = flood(peer) { [.headers($0)] }
        // 100 are open, 101 bring the warning, and 100 after that the end.
        #expect(rounds == 301 && events.last == closed(.resets))
        #expect(peer.connection.faults[.tooManyStreams] == 101)
    }

    @Test("a client that cancels every third request, and gives up a hundred at once")
    func honestCancels() {
        let peer = Peer.ready()
        var stream: UInt32 = 1
        for _ in 0..<1000 {
            for cancels in [false, false, true] {
                let slot = peer.open(stream)
                if cancels { peer.receive([.reset(stream)]) } else { peer.respond(slot, end: true) }
                peer.connection.release(slot)
                stream += 2
            }
            peer.now += 10_000_000
        }
        let open = (0..<99).map { stream + 2 * $0 }
        peer.receive(open.map { Frame.headers($0) })
        peer.receive(open.map { Frame.reset($0) })
        #expect(!peer.hasFailed)
        #expect(peer.allFrames().allSatisfy { $0.kind != .goAway })
    }

    // MARK: - Header blocks

    @Test("CONTINUATION without end, of every size (CVE-2024-27316)", arguments: [0, 1, 8000])
    func continuations(_ size: Int) {
        let peer = Peer.ready()
        peer.receive([.headers(1, endHeaders: false)])
        let frame = Frame.continuation(1, Frame.content(size), endHeaders: false)
        var count = 0
        while !peer.hasFailed, count < 100 {
            peer.receive([frame])
            count += 1
        }
        #expect(count == (size < 8000 ? 9 : 3))
        let fault = size < 8000 ? HTTP2Fault.tooManyContinuations : .blockTooLong
        #expect(peer.connection.faults[fault] == 1)
        #expect(peer.connection.gathered.count <= 16384)
    }

    @Test("a block of 16,384 bytes in nine frames is taken")
    func longBlock() {
        let peer = Peer.ready()
        var frames: [Frame] = [.headers(1, Frame.content(384), endHeaders: false)]
        for count in 1...8 {
            frames.append(.continuation(1, Frame.content(2000), endHeaders: count == 8))
        }
        guard case .headers(0, let block, true, true)? = peer.receive(frames).last else {
            Issue.record("no block")
            return
        }
        #expect(block.count == 16384)
    }

    // MARK: - Frames that have to be answered, or only looked at

    @Test(
        "floods of frames about the connection (CVE-2019-9512, 9515)",
        arguments: [
            Frame.ping(), .ping(acknowledges: true), .settings(), .settingsAcknowledged,
            .goAway(0), .reset(1),
        ])
    func controlFrames(_ frame: Frame) {
        let peer = Peer.ready()
        peer.receive([.headers(1)])
        let (rounds, events) = flood(peer) { _ in [frame] }
        // The beginning took two SETTINGS.
        #expect((997...1001).contains(rounds) && events.last == closed(.controlFrames))
    }

    @Test("a thousand such frames in ten seconds, and again in the next")
    func honestControlFrames() {
        let peer = Peer.ready()
        for _ in 0..<5 {
            peer.receive(Array(repeating: .ping(), count: 990))
            peer.now += 10_000_000_000
        }
        #expect(!peer.hasFailed)
    }

    @Test("answers that nobody takes: at 64 the caller is told to stop reading")
    func unreadAnswers() {
        let peer = Peer.ready()
        peer.receive(Array(repeating: .ping(), count: 63))
        let isReading = !peer.connection.mustPause
        #expect(isReading)
        peer.receive([.ping()])
        let isPaused = peer.connection.mustPause
        #expect(isPaused && peer.connection.controlBytes == 64 * 17)
        // One that reads on all the same keeps a bounded number of answers.
        peer.receive(Array(repeating: .ping(), count: 5000))
        #expect(peer.hasFailed && peer.connection.controlBytes < 17 * 1010)
    }

    @Test("empty DATA (CVE-2019-9518), with padding or without")
    func emptyFrames() {
        for frame in [Frame.data(1, 0), .padded(1, 0, padding: 100)] {
            let peer = Peer.ready()
            peer.receive([.headers(1, end: false)])
            let (rounds, events) = flood(peer) { _ in [frame] }
            #expect(rounds == 11 && events == [closed(.emptyFrames)])
        }
        let peer = Peer.ready()
        peer.receive([.headers(1, end: false)])
        let honest = Array(repeating: Frame.data(1, 0), count: 10) + [.data(1, 1)]
        for _ in 0..<100 { peer.receive(honest) }
        #expect(!peer.hasFailed)
    }

    @Test(
        "floods of frames that say nothing (CVE-2019-9513)",
        arguments: [
            Frame.windowUpdate(0, 1), .priority(1, on: 3), Frame(.unknown, Frame.content(16384)),
            .headers(1, Frame.content(100)),
        ])
    func uselessBytes(_ frame: Frame) {
        let peer = Peer.ready()
        peer.receive([.headers(1, end: false)])
        if frame.kind == .headers { peer.connection.reset(0, .cancel) }
        let frames = Array(repeating: frame, count: 100)
        let (rounds, events) = flood(peer) { _ in frames }
        let bytes = rounds * frames.count * frame.bytes.count
        #expect(bytes < 2_200_000 + frames.count * frame.bytes.count)
        #expect(events == [closed(.uselessBytes)])
    }

    @Test("a download in windows of 4 bytes is no flood of WINDOW_UPDATE")
    func honestDownload() {
        let peer = Peer.ready()
        peer.receive([.headers(1)])
        peer.respond(0)
        for _ in 0..<1000 where peer.send(0, 400) == 400 {
            peer.receive(bytes: updates(by: 4))
            peer.forget()
        }
        #expect(!peer.hasFailed)
    }

    /// A hundred times both windows of stream 1.
    private func updates(by increment: UInt32) -> [UInt8] {
        let pair = Frame.windowUpdate(0, increment).bytes + Frame.windowUpdate(1, increment).bytes
        return (0..<100).flatMap { _ in pair }
    }

    @Test("windows opened byte by byte")
    func tinyWindows() {
        let peer = Peer.ready(settings: [(0x4, 1)])
        peer.receive([.headers(1)])
        peer.respond(0)
        var sent = 0
        while !peer.hasFailed, sent < 1_000_000 {
            sent += peer.send(0, 100)
            peer.receive(bytes: updates(by: 1))
            peer.forget()
        }
        #expect(sent < 120_000 && peer.connection.faults[.uselessBytes] == 1)
    }

    @Test("a hundred uploads that are on their way when the server resets them")
    func lateUploads() {
        let peer = Peer.ready()
        let numbers = (0..<100).map { UInt32(2 * $0 + 1) }
        for stream in numbers { peer.connection.reset(peer.open(stream, end: false), .cancel) }
        peer.now += 10_000_000_000
        for stream in numbers { peer.receive(Array(repeating: .data(stream, 16383), count: 4)) }
        #expect(!peer.hasFailed)
        // Frames of nothing are no upload.
        let (rounds, events) = flood(peer) { _ in
            Array(repeating: .data(1, 0, end: true), count: 99)
        }
        #expect(rounds < 2500 && events == [closed(.uselessBytes)])
    }

    // MARK: - Faults that are pardoned one by one

    @Test("small faults add up, and half of them are forgotten every ten seconds")
    func faults() {
        let peer = Peer.ready()
        peer.receive([.headers(1, end: false), .reset(1)])
        peer.connection.release(0)
        let fault = Frame.data(1, 1)
        for _ in 0..<20 {
            peer.receive(Array(repeating: fault, count: 70))
            peer.now += 10_000_000_000
        }
        #expect(peer.receive([.ping()]) == [])
        let (rounds, events) = flood(peer) { _ in [fault] }
        #expect((100...200).contains(rounds))
        #expect(events == [.other(.draining(.faults)), closed(.faults)])
        #expect(peer.connection.faults[.closedStream] == 20 * 70 + rounds)
    }

    @Test("every fault has a label of its own, and a sentence")
    func labels() {
        let labels = Set(HTTP2Fault.allCases.map { "\($0.label)" })
        #expect(labels.count == HTTP2Fault.allCases.count)
        #expect(labels.allSatisfy { $0.allSatisfy { $0 == "_" || ("a"..."z").contains($0) } })
        #expect(HTTP2Fault.allCases.allSatisfy { $0.description.hasSuffix(".") })
        #expect(HTTP2ErrorCode.refusedStream.description == "REFUSED_STREAM")
        #expect(HTTP2ErrorCode(rawValue: 0x1F).description == "0x1f")
    }

    @Test("what was on its way to a stream that the server reset is no fault, and is given back")
    func lateFrames() {
        let peer = Peer.ready()
        for stream in (0..<100).map({ UInt32(2 * $0 + 1) }) {
            peer.receive([.headers(stream, end: false), .data(stream, 2000)])
        }
        for slot in 0..<100 { peer.connection.reset(slot, .internalError) }
        for slot in 0..<50 { peer.connection.release(slot) }
        for stream in (0..<100).map({ UInt32(2 * $0 + 1) }) {
            let events = peer.receive([
                .data(stream, 16384), .padded(stream, 200, padding: 9), .windowUpdate(stream, 5),
                .headers(stream, [0x90]),
            ])
            #expect(events == [.discarded([0x90])])
        }
        for slot in 50..<100 { peer.connection.release(slot) }
        let frames = peer.frames().filter { $0.kind != .resetStream }
        #expect(frames.allSatisfy { $0.kind == .windowUpdate && $0.stream == 0 })
        // All but what is less than half a window.
        let given = frames.map { Int($0.number32()) }.reduce(0, +)
        #expect((0..<131_072).contains(100 * (2000 + 16384 + 210) - given))
        #expect(HTTP2Fault.allCases.allSatisfy { peer.connection.faults[$0] == 0 })
    }
}
