// Goal: a connection that has nothing more to say ends only when its peer has everything, and then
// soon; a peer that takes nothing is reset, and nothing is waited for that will not come. Method:
// pairs of sockets on the loopback with small buffers, whose other end reads, sends and closes on
// cue.

import Endpoints
import Events
import Glibc
import Locking
import TestSupport
import Testing

@Suite struct ClosingTests {
    /// A channel with a peer that has a small buffer, on a loop of the test's own.
    private final class Fixture {
        let loop = EventLoop()
        let buffer = ReceiveBuffer()
        let channel: StreamChannel
        let peer: Wire
        var isClosed = false

        init(receiveBytes: Int32? = 65_536) throws {
            let listening = try Socket.listen(on: Endpoint(.loopback, 0), isShared: false)
            defer { listening.close() }
            let port = try #require(listening.localEndpoint).port
            peer = try Wire(to: port, receiveBytes: receiveBytes)
            guard case .connection(let accepted, _) = listening.accept() else {
                throw TestSupportError("nobody came")
            }
            channel = StreamChannel(accepted, on: loop)
        }

        @discardableResult
        func end(
            _ farewell: Farewell, stall: Duration = .seconds(20), linger: Duration = .seconds(20)
        ) -> ClosingConnection {
            let last = ClosingConnection(
                channel, farewell,
                limits: ClosingLimits(
                    stall: stall.wholeNanoseconds, linger: linger.wholeNanoseconds),
                dropping: buffer)
            last.onClosed = { self.isClosed = true }
            last.begin()
            return last
        }

        /// Turns the loop until the condition holds.
        func turn(until condition: () -> Bool) throws {
            let end = ContinuousClock.now + safetyLimit
            while !condition() {
                try #require(ContinuousClock.now < end, "the end does not come")
                loop.runOnce()
                usleep(1000)
            }
        }
    }

    @Test("the peer gets all of it, however late it reads", arguments: [Farewell.end, .cut])
    func late(farewell: Farewell) throws {
        let fixture = try Fixture()
        let total = 8 << 20
        #expect(fixture.channel.write(Pattern.all(total)) == .kept)
        fixture.end(farewell, linger: .milliseconds(1))
        // Sent to a connection that only ends: read and dropped, so that no RST follows from it.
        try fixture.peer.send("more")
        for _ in 0..<300 {
            fixture.loop.runOnce()
            usleep(1000)
        }
        #expect(!fixture.isClosed)
        let reading = Reading(fixture.peer, total)
        try fixture.turn { fixture.isClosed && reading.isOver }
        #expect(reading.count == total)
        #expect(reading.ending == (farewell == .end ? .end : .reset))
    }

    @Test("a peer that takes nothing is reset")
    func stall() throws {
        let fixture = try Fixture()
        #expect(fixture.channel.write(Pattern.all(8 << 20)) == .kept)
        fixture.end(.end, stall: .milliseconds(200))
        try fixture.turn { fixture.isClosed }
        #expect(try fixture.peer.receiveToEnd().ending == .reset)
    }

    @Test("a peer that takes nothing of what the kernel has is reset")
    func stallInKernel() throws {
        let fixture = try Fixture()
        #expect(fixture.channel.write(Pattern.all(1 << 19)) == .sent)
        fixture.end(.end, stall: .milliseconds(200))
        try fixture.turn { fixture.isClosed }
        #expect(try fixture.peer.receiveToEnd().ending == .reset)
    }

    @Test("a peer that ends its side ends the connection at once")
    func peerEnds() throws {
        let fixture = try Fixture()
        #expect(fixture.channel.write(Pattern.all(1000)) == .sent)
        fixture.end(.end)
        #expect(try fixture.peer.receiveToEnd().bytes.count == 1000)
        fixture.peer.close()
        try fixture.turn { fixture.isClosed }
    }

    @Test("a peer that has everything and keeps its side open is waited for no longer than it may")
    func linger() throws {
        let fixture = try Fixture()
        #expect(fixture.channel.write(Pattern.all(1000)) == .sent)
        fixture.end(.end, linger: .milliseconds(100))
        try fixture.turn { fixture.isClosed }
        #expect(try fixture.peer.receiveToEnd().ending == .end)
    }

    @Test("a peer that is sent away gets what was said, and nothing of what it sends is read")
    func dismissed() throws {
        let fixture = try Fixture()
        #expect(fixture.channel.write(Pattern.all(1000)) == .sent)
        try fixture.peer.send("more")
        let last = fixture.end(.dismiss)
        #expect(!last.isReading)
        #expect(try fixture.peer.receive(exactly: 1000).count == 1000)
        try fixture.turn { fixture.isClosed }
        #expect(try fixture.peer.receiveToEnd().ending == .reset)
    }

    @Test("a peer that ended its side first still gets all of it")
    func peerHasEnded() throws {
        let fixture = try Fixture()
        #expect(fixture.channel.write(Pattern.all(8 << 20)) == .kept)
        fixture.peer.endSending()
        fixture.end(.end)
        let reading = Reading(fixture.peer, 8 << 20)
        try fixture.turn { fixture.isClosed && reading.isOver }
        #expect(reading.count == 8 << 20 && reading.ending == .end)
    }

    @Test("giving up leaves to the kernel what it has, and resets what it keeps")
    func givingUp() throws {
        for (count, ending) in [(1 << 19, Ending.end), (8 << 20, .reset)] {
            let fixture = try Fixture()
            let isSent = fixture.channel.write(Pattern.all(count)) == .sent
            #expect(isSent == (ending == .end))
            fixture.end(.end).giveUp()
            fixture.loop.runOnce()
            #expect(fixture.isClosed)
            let got = try fixture.peer.receiveToEnd()
            #expect(got.ending == ending)
            if ending == .end { #expect(got.bytes.count == count) }
        }
    }
}

/// Reads all of a wire's pattern on a thread of its own.
private final class Reading: Sendable {
    private let result = Locked<(count: Int, ending: Ending)?>(nil)

    var isOver: Bool { result.withLock { $0 != nil } }
    var count: Int { result.withLock { $0?.count ?? 0 } }
    var ending: Ending? { result.withLock { $0?.ending } }

    init(_ wire: Wire, _ total: Int) {
        let holder = Unchecked(wire)
        try? startThread { [self] in
            let wire = holder.wire
            let count = (try? wire.receivePattern(to: total)) ?? -1
            let ending = try? wire.receiveToEnd().ending
            wire.close()
            result.withLock { $0 = (count, ending ?? .reset) }
        }
    }

    /// The thread that made it touches the wire no more.
    private struct Unchecked: @unchecked Sendable {
        let wire: Wire; init(_ wire: Wire) { self.wire = wire }
    }
}

extension Pattern {
    /// `count` bytes of the pattern.
    fileprivate static func all(_ count: Int) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count {
            all += bytes(from: all.count, count: min(period, count - all.count))
        }
        return all
    }
}
