// Goal: where the bytes of a connection are cut makes no difference to what they come to, no byte
// past the end is looked at, and no input traps.
// Method: seeded sequences of frames, right and wrong ones, whole, in pieces and byte by byte, each
// piece flush against an unmapped page; the same with some of their bytes changed.

internal import HTTP2
internal import Random
internal import TestSupport
internal import Testing

@Suite("HTTP/2, wherever the bytes are cut") struct SplitTests {
    private let guarded = GuardedBuffer(capacity: 1 << 17)

    @Test("frames", arguments: [HTTP2Role.server, .client])
    func frames(_ role: HTTP2Role) {
        var random = SplitMix64(seed: 7)
        for _ in 0..<400 { check(role, session(&random), &random) }
    }

    @Test("frames with bytes that were changed", arguments: [HTTP2Role.server, .client])
    func changed(_ role: HTTP2Role) {
        var random = SplitMix64(seed: 8)
        for _ in 0..<400 {
            var bytes = session(&random)
            for _ in 0...random.next(below: 4) {
                bytes[random.next(below: bytes.count)] ^= UInt8(1 << random.next(below: 8))
            }
            check(role, bytes, &random)
        }
    }

    /// Some frames, most of which may come in their place.
    private func session(_ random: inout SplitMix64) -> [UInt8] {
        var bytes: [UInt8] = []
        var newest: UInt32 = 1
        for _ in 0...random.next(below: 20) {
            let isNew = random.next(below: 3) == 0
            if isNew { newest += 2 }
            let stream = isNew ? newest : 1 + 2 * UInt32(random.next(below: Int(newest + 1) / 2))
            for frame in frames(stream, &random) { bytes += frame.bytes }
        }
        return bytes
    }

    private func frames(_ stream: UInt32, _ random: inout SplitMix64) -> [Frame] {
        let count = random.next(below: 40)
        let end = random.next(below: 3) == 0
        switch random.next(below: 16) {
        case 0...3: return [.headers(stream, Frame.content(count), end: end)]
        case 4:
            return [
                Frame(
                    .headers, flags: 0x28 | (end ? 1 : 0), stream: stream,
                    [3, 0, 0, 0, 0, 9] + Frame.content(count) + [0, 0, 0]),
                .continuation(stream, [], endHeaders: false),
                .continuation(stream, Frame.content(count), endHeaders: true),
            ]
        case 5:
            return [
                Frame(
                    .headers, flags: 0x2C | (end ? 1 : 0), stream: stream,
                    [3, 0, 0, 0, 0, 9] + Frame.content(count) + [0, 0, 0])
            ]
        case 6, 7: return [.data(stream, count, end: end)]
        case 8: return [.padded(stream, count, padding: random.next(below: 9), end: end)]
        case 9: return [.reset(stream)]
        case 10: return [.windowUpdate(end ? 0 : stream, UInt32(count))]
        case 11: return [.settings([(0x4, UInt32(count) * 1000), (0x99, 1)])]
        case 12: return [.ping(UInt32(count), acknowledges: end)]
        case 13: return [Frame(.unknown, stream: stream, Frame.content(count))]
        case 14: return [.priority(stream, on: UInt32(count))]
        default: return end ? [.goAway(stream)] : [.settingsAcknowledged]
        }
    }

    /// What one run comes to.
    private struct Outcome: Equatable {
        var happenings: [Peer.Happening]
        var frames: [Frame]
    }

    private func check(_ role: HTTP2Role, _ bytes: [UInt8], _ random: inout SplitMix64) {
        let whole = outcome(role, bytes) { $0 }
        #expect(outcome(role, bytes) { _ in 1 } == whole)
        var cuts = random
        #expect(outcome(role, bytes) { left in 1 + cuts.next(below: min(left, 30)) } == whole)
        _ = random.next()
    }

    private func outcome(
        _ role: HTTP2Role, _ bytes: [UInt8], _ size: (Int) -> Int
    ) -> Outcome {
        let peer = Peer.ready(role)
        // What is given back, and when, does depend on the pieces.
        peer.consumes = false
        if role == .client { for _ in 0..<5 { peer.request(end: false) } }
        var happenings: [Peer.Happening] = []
        var start = 0
        while start < bytes.count {
            let end = start + size(bytes.count - start)
            guarded.withBytes(bytes[start..<end]) { peer.receive($0, into: &happenings) }
            start = end
        }
        return Outcome(happenings: happenings, frames: peer.allFrames())
    }
}
