// Goal: frames come out whole whatever pieces the stream comes in.
// Method: one stream of frames, in two pieces at every split point, and in pieces of every size.

import DNSWire
import Testing

@Suite struct TCPFrameTests {
    private let frames = vectors.map(\.bytes) + [[], [7]]
    private var stream: [UInt8] {
        frames.flatMap { frame in [UInt8(frame.count >> 8), UInt8(frame.count & 255)] + frame }
    }

    private func split(_ pieces: [ArraySlice<UInt8>]) -> (frames: [[UInt8]], pending: Int) {
        var splitter = TCPFrameSplitter()
        var found: [[UInt8]] = []
        for piece in pieces {
            splitter.append(Array(piece).span)
            while let frame = splitter.next() { found.append(frame) }
        }
        return (found, splitter.pendingOctets)
    }

    @Test("a stream gives the same frames at every split point")
    func splitPoints() {
        let stream = stream
        for point in 0...stream.count {
            #expect(split([stream[..<point], stream[point...]]).frames == frames, "at \(point)")
        }
    }

    @Test("a stream gives the same frames in pieces of any size", arguments: [1, 2, 3, 7, 64])
    func pieceSizes(size: Int) {
        let stream = stream
        let pieces = stride(from: 0, to: stream.count, by: size).map {
            stream[$0..<min($0 + size, stream.count)]
        }
        let result = split(pieces)
        #expect(result.frames == frames)
        #expect(result.pending == 0)
    }

    @Test("a stream that ends within a frame leaves octets pending")
    func unfinished() {
        let result = split([[0, 3, 1, 2]])
        #expect(result.frames.isEmpty)
        #expect(result.pending == 4)
    }

    @Test("an encoded frame is split into its message")
    func encoded() throws {
        let message = try Message(decoding: vector("CNAME chain with RRSIG"))
        var bytes: [UInt8] = []
        #expect(message.encodeFrame(into: &bytes))
        #expect(message.encodeFrame(into: &bytes))
        let messages = try split([bytes[...]]).frames.map { try Message(decoding: $0) }
        #expect(messages == [message, message])
    }
}
