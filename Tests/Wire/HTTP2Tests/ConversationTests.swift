// Goal: a client and a server of this kind understand each other: nothing is refused, nothing is
// lost, nobody waits for what does not come.
// Method: both are made to talk at random over two pipes that cut bytes anywhere, with requests,
// answers, trailers, cancels, changed settings and slow readers; each byte of content is compared.

internal import HTTP1
internal import HTTP2
internal import Random
internal import Testing

@Suite("HTTP/2 conversations") struct ConversationTests {
    @Test("client and server, to the byte", arguments: 0..<6)
    func conversation(_ seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let client = Talker(.client, streamWindow: 65_535 + random.next(below: 100_000))
        let server = Talker(.server, streamWindow: 65_535 + random.next(below: 100_000))
        for step in 0..<400 {
            client.act(&random, opens: step < 300)
            server.act(&random, opens: false)
            client.deliver(to: server, &random)
            server.deliver(to: client, &random)
        }
        // Both come to their end when nothing new begins.
        for _ in 0..<2000 where client.isBusy || server.isBusy {
            client.act(&random, opens: false)
            server.act(&random, opens: false)
            client.deliver(to: server, &random)
            server.deliver(to: client, &random)
        }
        #expect(!client.isBusy && !server.isBusy)
        #expect(client.finished > 30 && client.bytes > 100_000 && server.bytes > 100_000)
        for fault in HTTP2Fault.allCases {
            let faults = [client.connection.faults[fault], server.connection.faults[fault]]
            #expect(faults == [0, 0], "\(fault)")
        }
    }
}

/// One of the two sides, which does at random what it may.
private final class Talker {
    private struct Stream {
        var sent = 0
        var toSend = 0
        var received = 0
        var held = 0
        var hasSentHead = false
        var hasSentEnd = false
        var hasEnd = false
        var isReset = false
        var isDone: Bool { isReset || hasSentEnd && hasEnd }
    }

    private let role: HTTP2Role
    var connection: HTTP2Connection
    private var streams: [Int: Stream] = [:]
    private var pipe: [UInt8] = []
    private(set) var finished = 0
    private(set) var bytes = 0

    init(_ role: HTTP2Role, streamWindow: Int) {
        self.role = role
        var own = HTTP2Settings()
        own.streamWindow = streamWindow
        own.streamsMax = 6
        connection = HTTP2Connection(role, own)
    }

    var isBusy: Bool { !streams.isEmpty || !pipe.isEmpty }

    /// Content is the number of each byte, so that one lost or twice is seen.
    private func content(_ start: Int, _ count: Int) -> ArraySlice<UInt8> {
        Self.pattern[start..<start + count]
    }
    private static let pattern = (0..<150_000).map { UInt8(truncatingIfNeeded: $0 % 251) }

    func act(_ random: inout SplitMix64, opens: Bool) {
        if opens, random.next(below: 2) == 0, let slot = connection.openStream() {
            streams[slot] = Stream(toSend: random.next(below: 3) * random.next(below: 60_000))
        }
        for slot in streams.keys.sorted() {
            act(on: slot, &random)
            if streams[slot]?.isDone == true { finish(slot) }
        }
    }

    private func finish(_ slot: Int) {
        connection.release(slot)
        streams[slot] = nil
        finished += 1
    }

    private func act(on slot: Int, _ random: inout SplitMix64) {
        guard var stream = streams[slot] else { return }
        defer { streams[slot] = stream }
        if stream.held > 0, random.next(below: 2) == 0 {
            let count = 1 + random.next(below: stream.held)
            connection.consumed(slot, count)
            stream.held -= count
        }
        guard !stream.isReset, !stream.hasSentEnd else { return }
        if stream.hasSentHead, random.next(below: 100) == 0 {
            connection.reset(slot, .cancel)
            stream.isReset = true
            return
        }
        let left = stream.toSend - stream.sent
        if !stream.hasSentHead {
            write { connection, out in
                connection.writeHeaders(
                    slot, block: [UInt8](repeating: 1, count: 20).span, endsStream: left == 0,
                    into: &out)
            }
            stream.hasSentHead = true
            stream.hasSentEnd = left == 0
        } else if left == 0 {
            // Trailers.
            write { connection, out in
                connection.writeHeaders(
                    slot, block: [UInt8](repeating: 2, count: 9).span, endsStream: true, into: &out)
            }
            stream.hasSentEnd = true
        } else {
            let room = min(left, connection.sendRoom(slot), HTTP2Connection.dataBytesMax)
            guard room > 0 else { return }
            let count = 1 + random.next(below: room)
            let ends = count == left && random.next(below: 2) == 0
            let part = content(stream.sent, count)
            write { connection, out in
                connection.writeDataHeader(slot, count: count, endsStream: ends, into: &out)
                out.append(part.span)
            }
            stream.sent += count
            stream.hasSentEnd = ends
        }
    }

    private func write(_ body: (inout HTTP2Connection, inout OutputSpan<UInt8>) -> Void) {
        pipe += [UInt8](capacity: connection.controlBytes + 20_000) { out in
            connection.takeControl(into: &out)
            body(&connection, &out)
        }
    }

    func deliver(to other: Talker, _ random: inout SplitMix64) {
        write { _, _ in }
        let count = random.next(below: pipe.count + 1)
        other.receive(Array(pipe[..<count]), &random)
        pipe.removeFirst(count)
    }

    private func receive(_ bytes: [UInt8], _ random: inout SplitMix64) {
        var at = 0
        while true {
            let step = connection.next(bytes.span, from: at, at: 1)
            at = step.end
            switch step.event {
            case .needMore: return
            case .headers(let slot, _, let isFirst, let ends):
                if isFirst, role == .server {
                    streams[slot] = Stream(
                        toSend: random.next(below: 3) * random.next(below: 60_000))
                }
                streams[slot]?.hasEnd = ends
                if streams[slot]?.isDone == true { finish(slot) }
            case .data(let slot, let range, let ends):
                let start = streams[slot]?.received ?? 0
                #expect(bytes[range] == content(start, range.count))
                streams[slot]?.received += range.count
                streams[slot]?.held += range.count
                streams[slot]?.hasEnd = ends
                self.bytes += range.count
                if streams[slot]?.isDone == true { finish(slot) }
            case .reset(let slot, let code):
                #expect(code == .cancel)
                finish(slot)
            case .windowOpened, .settings, .discarded: break
            default: Issue.record("\(step.event)")
            }
        }
    }
}
