// Goal: a stream under a layer carries what is written to it, in order and once, whatever the layer
// holds back and however slow the peer is; and an end that the layer did not announce is told from
// one that it did. Method: a toy layer that frames and masks content and gives one record at a
// time, on loopback connections on a loop turned by the test.

import Endpoints
import Events
import Glibc
import Testing

/// Records of a kind, a length of two bytes, and so many masked bytes.
private final class ToyLayer: StreamLayer {
    enum Kind: UInt8 { case end, content, ping, pong }

    /// Bytes that came and were not given as content.
    private var held: [UInt8] = []
    private var hasEnded = false
    private var hasNotified = false
    /// How often it was given content to send.
    private(set) var sentCount = 0
    private(set) var pongs = 0

    static func record(_ kind: Kind, _ content: [UInt8] = []) -> [UInt8] {
        [kind.rawValue, UInt8(content.count >> 8), UInt8(content.count & 0xFF)]
            + content.map { $0 ^ 0x5A }
    }

    /// The length of the first record that is held, if it is whole.
    private var firstLength: Int? {
        guard held.count >= 3 else { return nil }
        let length = Int(held[1]) << 8 | Int(held[2])
        return held.count >= 3 + length ? length : nil
    }

    override var hasPending: Bool { !hasEnded && firstLength != nil }

    override func receive(
        _ bytes: Span<UInt8>, into content: ReceiveBuffer, reply: SendBuffer
    ) -> LayerOutcome {
        for index in bytes.indices { held.append(bytes[index]) }
        while !hasEnded, let length = firstLength {
            guard let kind = Kind(rawValue: held[0]) else { return .failed }
            let unmasked = held[3..<3 + length].map { $0 ^ 0x5A }
            held.removeFirst(3 + length)
            switch kind {
            case .end: hasEnded = true
            case .ping: reply.append(Self.record(.pong).span)
            case .pong: pongs += 1
            case .content: return .content(content.fill { $0.append(unmasked) })
            }
        }
        return hasEnded ? .ended : .needsMore
    }

    override func send(_ first: Span<UInt8>, _ second: Span<UInt8>, into out: SendBuffer) {
        sentCount += 1
        var content: [UInt8] = []
        for index in first.indices { content.append(first[index]) }
        for index in second.indices { content.append(second[index]) }
        while !content.isEmpty {
            out.append(Self.record(.content, Array(content.prefix(5000))).span)
            content.removeFirst(min(5000, content.count))
        }
    }

    override func closeNotify(into out: SendBuffer) {
        if !hasNotified { out.append(Self.record(.end).span) }
        hasNotified = true
    }
}

extension OutputSpan<UInt8> {
    fileprivate mutating func append(_ bytes: [UInt8]) {
        for byte in bytes { append(byte) }
    }
}

/// Receives once for each readiness.
private final class Stream: StreamChannel {
    var pieces: [[UInt8]] = []
    var end: IOResult?
    var drained = 0
    /// Stops reading after so many pieces.
    var piecesMax = Int.max
    let buffer = ReceiveBuffer()

    var content: [UInt8] { Array(pieces.joined()) }

    override func onReadable() {
        switch receive(into: buffer) {
        case .bytes(let count):
            buffer.withBytes(count) { bytes in
                pieces.append([])
                for index in bytes.indices { pieces[pieces.count - 1].append(bytes[index]) }
            }
            if pieces.count == piecesMax { stopReading() }
        case .wouldBlock: break
        case let result:
            end = result
            stopReading()
        }
    }

    override func onDrained() { drained += 1 }
}

@Suite struct LayerTests {
    private let loop = EventLoop()

    /// The two ends of a connection, of which the first has a layer, and `peerLayer` the second.
    private func pair(peerLayer: ToyLayer? = nil) throws -> (Stream, ToyLayer, peer: Stream) {
        let listening = try Socket.listen(on: Endpoint(.loopback, 0))
        defer { listening.close() }
        // Small buffers, so that a peer is slow soon.
        setBuffer(listening, SO_RCVBUF)
        let connected = try Socket.connectStream(to: try #require(listening.localEndpoint))
        setBuffer(connected, SO_SNDBUF)
        while true {
            guard case .connection(let accepted, _) = listening.accept() else { continue }
            let layer = ToyLayer()
            let stream = Stream(Handoff(connected, layer: layer), on: loop)
            let peer = Stream(Handoff(accepted, layer: peerLayer), on: loop)
            return (stream, layer, peer)
        }
    }

    private func setBuffer(_ descriptor: Descriptor, _ option: Int32) {
        var bytes: Int32 = 32_768
        unsafe _ = setsockopt(
            descriptor.number, SOL_SOCKET, option, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    private func turn(until condition: () -> Bool) throws {
        for _ in 0..<200_000 where !condition() { loop.runOnce() }
        try #require(condition())
    }

    @Test("content crosses both ways, and a layer's replies go out without being asked for")
    func bothWays() throws {
        let peerLayer = ToyLayer()
        let (stream, _, peer) = try pair(peerLayer: peerLayer)
        #expect(stream.write(Array("hello, ".utf8), Array("world".utf8).span) == .sent)
        #expect(peer.write(Array("good day".utf8)) == .sent)
        stream.startReading()
        peer.startReading()
        try turn { stream.content.count == 8 && peer.content.count == 12 }
        #expect(peer.content == Array("hello, world".utf8))
        #expect(stream.content == Array("good day".utf8))
        for channel in [stream, peer] { channel.close() }

        let (pinged, _, plain) = try pair()
        pinged.startReading()
        plain.startReading()
        #expect(plain.write(ToyLayer.record(.ping)) == .sent)
        try turn { !plain.pieces.isEmpty }
        #expect(plain.content == ToyLayer.record(.pong))
        #expect(pinged.pieces.isEmpty && pinged.end == nil)
        for channel in [pinged, plain] { channel.close() }
    }

    @Test("what the layer holds is read though the socket is silent, and waits while reading rests")
    func held() throws {
        let (stream, layer, peer) = try pair()
        let records = (1...9).flatMap { ToyLayer.record(.content, [$0]) }
        #expect(peer.write(records + ToyLayer.record(.content, [10]).dropLast()) == .sent)
        stream.piecesMax = 4
        stream.startReading()
        try turn { stream.pieces.count == 4 }
        #expect(layer.hasPending)
        #expect(stream.descriptor.isQuiet && !stream.isQuiet)
        for _ in 0..<10 { loop.runOnce() }
        #expect(stream.pieces.count == 4)
        // Nothing comes on the socket from here on.
        stream.startReading()
        try turn { stream.pieces.count == 9 }
        #expect(stream.content == Array(1...9))
        #expect(!layer.hasPending && stream.isQuiet)
        #expect(peer.write([10 ^ 0x5A]) == .sent)
        try turn { stream.pieces.count == 10 }
        #expect(stream.content == Array(1...10))
        for channel in [stream, peer] { channel.close() }
    }

    @Test("what a slow peer does not take is given to the layer once", arguments: [false, true])
    func slow(isHandedOff: Bool) throws {
        let peerLayer = ToyLayer()
        let (stream, layer, peer) = try pair(peerLayer: peerLayer)
        let chunk = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var writes = 0
        while !stream.isCongested {
            _ = stream.write(chunk)
            writes += 1
        }
        #expect(stream.write(Array("end".utf8)) == .kept)
        let successor = isHandedOff ? Stream(stream.handOff(), on: loop) : stream
        peer.startReading()
        try turn { successor.drained == 1 }
        #expect(successor.write(Array("!".utf8)) == .sent)
        let count = writes * chunk.count + 4
        try turn { peer.pieces.reduce(0) { $0 + $1.count } == count }
        #expect(layer.sentCount == writes + 2)
        var expected: [UInt8] = []
        for _ in 0..<writes { expected += chunk }
        #expect(peer.content == expected + Array("end!".utf8))
        for channel in [successor, peer] { channel.close() }
    }

    @Test("a producer that goes on is refused before its bytes are given to the layer")
    func bounded() throws {
        let (stream, layer, peer) = try pair()
        let chunk = [UInt8](repeating: 1, count: 65_536)
        while stream.write(chunk) != .failed(.noBufferSpace) {}
        let count = layer.sentCount
        #expect(stream.write(chunk) == .failed(.noBufferSpace))
        #expect(layer.sentCount == count)
        #expect(stream.keptCount <= StreamChannel.keptMax + 1024)
        for channel in [stream, peer] { channel.close() }
    }

    @Test("an end that the layer announces is told from a stream that was cut off")
    func ends() throws {
        for isAnnounced in [true, false] {
            let (stream, _, peer) = try pair()
            stream.startReading()
            let end = isAnnounced ? ToyLayer.record(.end) : []
            #expect(peer.write(ToyLayer.record(.content, [7]) + end) == .sent)
            peer.endWriting()
            try turn { stream.end != nil }
            #expect(stream.content == [7])
            #expect(stream.end == (isAnnounced ? .endOfStream : .failed(.connectionReset)))
            // Half of the connection is left.
            #expect(stream.write([1]) == .sent)
            for channel in [stream, peer] { channel.close() }
        }
    }

    @Test("bytes that are no layer's break the stream")
    func malformed() throws {
        let (stream, _, peer) = try pair()
        stream.startReading()
        let text = Array("GET / HTTP/1.1\r\n".utf8)
        #expect(peer.write(text + [UInt8](repeating: 0, count: 20_000)) == .sent)
        try turn { stream.end != nil }
        #expect(stream.end == .failed(.protocolError))
        for channel in [stream, peer] { channel.close() }
    }

    @Test("every way to end but a reset announces the end", arguments: ["end", "close", "reset"])
    func announces(way: String) throws {
        let (stream, _, peer) = try pair(peerLayer: ToyLayer())
        peer.startReading()
        #expect(stream.write([1]) == .sent)
        switch way {
        case "end":
            stream.endWriting()
            stream.endWriting()
        case "close": stream.close()
        default: stream.reset()
        }
        try turn { peer.end != nil }
        #expect(peer.end == (way == "reset" ? .failed(.connectionReset) : .endOfStream))
        for channel in [stream, peer] { channel.close() }
    }

    @Test("a closing connection announces the end behind everything else")
    func closing() throws {
        let (stream, _, peer) = try pair(peerLayer: ToyLayer())
        let chunk = [UInt8](repeating: 3, count: 65_536)
        var count = 0
        while !stream.isCongested {
            _ = stream.write(chunk)
            count += chunk.count
        }
        let limits = ClosingLimits(stall: 20_000_000_000)
        let last = ClosingConnection(stream, .end, limits: limits, dropping: ReceiveBuffer())
        var isClosed = false
        last.onClosed = { isClosed = true }
        last.begin()
        peer.startReading()
        try turn { peer.end != nil }
        #expect(peer.end == .endOfStream)
        #expect(peer.content.count == count)
        peer.close()
        try turn { isClosed }
    }

    @Test("nothing is spliced past a layer")
    func splice() throws {
        let (stream, _, peer) = try pair()
        #expect(stream.spliceEnd == nil && peer.spliceEnd == peer.descriptor)
        #expect(stream.splice(from: peer.descriptor, limit: 10) == .unavailable)
        for channel in [stream, peer] { channel.close() }
    }
}
