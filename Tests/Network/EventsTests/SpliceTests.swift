// Goal: bytes that are spliced arrive as those that are written do, in order with them, and a
// receiver that is slow gets what was kept for it. Method: two loopback connections on a loop
// turned by the test; one's receiver reads late.

import Endpoints
import Events
import Testing

private final class Stream: StreamChannel {
    var drained = 0
    override func onDrained() { drained += 1 }
}

@Suite struct SpliceTests {
    private let loop = EventLoop()

    /// Both ends of a connection: what is sent to the first arrives at the second.
    private func pair() throws -> (Stream, Descriptor) {
        let listening = try Socket.listen(on: Endpoint(.loopback, 0))
        defer { listening.close() }
        let endpoint = try #require(listening.localEndpoint)
        let connected = try Socket.connectStream(to: endpoint)
        while true {
            guard case .connection(let descriptor, _) = listening.accept() else { continue }
            return (Stream(connected, on: loop), descriptor)
        }
    }

    private func receive(_ descriptor: Descriptor, _ count: Int) -> [UInt8] {
        let buffer = ReceiveBuffer()
        var all: [UInt8] = []
        for _ in 0..<1_000_000 where all.count < count {
            loop.runOnce()
            if case .bytes(let received) = descriptor.receive(into: buffer) {
                buffer.withBytes(received) { bytes in
                    for index in bytes.indices { all.append(bytes[index]) }
                }
            }
        }
        return all
    }

    /// Moves up to `limit` bytes once there are any.
    private func splice(_ source: Descriptor, to target: Stream, limit: Int) -> SpliceOutcome {
        while true {
            let outcome = target.splice(from: source, limit: limit)
            if outcome != .wouldBlock { return outcome }
        }
    }

    @Test("bytes go across up to the limit, between those that are written")
    func inOrder() throws {
        let (source, sourceEnd) = try pair()
        let (target, targetEnd) = try pair()
        #expect(target.splice(from: sourceEnd, limit: 10) == .wouldBlock)
        #expect(source.write(Array("hello, world".utf8)) == .sent)
        #expect(target.write(Array("<".utf8)) == .sent)
        #expect(splice(sourceEnd, to: target, limit: 5) == .sent(5))
        #expect(target.write(Array("|".utf8)) == .sent)
        #expect(splice(sourceEnd, to: target, limit: 100) == .sent(7))
        #expect(target.write(Array(">".utf8)) == .sent)
        source.close()
        #expect(splice(sourceEnd, to: target, limit: 5) == .endOfStream)
        #expect(receive(targetEnd, 15) == Array("<hello|, world>".utf8))
        target.close()
        sourceEnd.close()
        targetEnd.close()
    }

    @Test(
        "what a slow receiver does not take is kept, before what is written behind it",
        arguments: [false, true])
    func kept(isHandedOff: Bool) throws {
        let (source, sourceEnd) = try pair()
        let (target, targetEnd) = try pair()
        let chunk = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var sent = 0
        var moved = 0
        var outcome = SpliceOutcome.wouldBlock
        while !target.isCongested {
            if !source.isCongested {
                _ = source.write(chunk)
                sent += chunk.count
            }
            loop.runOnce()
            outcome = target.splice(from: sourceEnd, limit: 1 << 20)
            if case .sent(let count) = outcome { moved += count }
        }
        guard case .kept(let last) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        moved += last
        #expect(target.write(Array("end".utf8)) == .kept)
        let successor = isHandedOff ? Stream(target.handOff(), on: loop) : target
        #expect(successor.isCongested)
        #expect(successor === target || !target.isCongested)
        let expected = (0..<moved).map { chunk[$0 % chunk.count] } + Array("end".utf8)
        #expect(receive(targetEnd, expected.count) == expected)
        loop.runOnce()
        #expect(successor.drained == 1)
        #expect(successor === target || target.drained == 0)
        for channel in [source, successor] { channel.close() }
        for end in [sourceEnd, targetEnd] { end.close() }
    }

    @Test("broken sources and broken targets are told apart")
    func broken() throws {
        let (source, sourceEnd) = try pair()
        let (target, targetEnd) = try pair()
        targetEnd.resetOnClose()
        targetEnd.close()
        #expect(source.write(Array("x".utf8)) == .sent)
        guard case .failed = splice(sourceEnd, to: target, limit: 5) else {
            Issue.record("the target is reset")
            return
        }
        let (other, otherEnd) = try pair()
        source.reset()
        guard case .sourceFailed = splice(sourceEnd, to: other, limit: 5) else {
            Issue.record("the source is reset")
            return
        }
        for channel in [target, other] { channel.close() }
        for end in [sourceEnd, otherEnd] { end.close() }
    }

    @Test("when enough pipes hold bytes the next connection is told to do without")
    func unavailable() throws {
        var targets: [(Stream, Descriptor)] = []
        let (source, sourceEnd) = try pair()
        let bytes = [UInt8](repeating: 1, count: 65_536)
        var outcome = SpliceOutcome.wouldBlock
        while outcome != .unavailable, targets.count <= 1000 {
            let target = try pair()
            targets.append(target)
            // Until its receiver takes no more.
            while !target.0.isCongested, outcome != .unavailable {
                if !source.isCongested { _ = source.write(bytes) }
                loop.runOnce()
                outcome = target.0.splice(from: sourceEnd, limit: 1 << 20)
            }
        }
        #expect(outcome == .unavailable)
        #expect(targets.count > 16)
        // One that is closed gives its pipe back.
        targets[0].0.close()
        #expect(splice(sourceEnd, to: targets[targets.count - 1].0, limit: 1) != .unavailable)
        for (channel, end) in targets {
            channel.close()
            end.close()
        }
        source.close()
        sourceEnd.close()
    }
}
