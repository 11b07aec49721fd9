// Goal: what an encoder gives out is what its input was, whatever the parts and the room, and a
// flush brings out all of it.
// Method: one text in parts and rooms of many sizes. That it can be decoded is shown by flow tests,
// with the decoders of curl.

import Compression
import HTTP1
import Testing

@Suite struct EncoderTests {
    /// Text that repeats itself, as text does.
    private static func text(_ count: Int) -> [UInt8] {
        var out: [UInt8] = []
        var seed: UInt32 = 7
        while out.count < count {
            seed = seed &* 1_664_525 &+ 1_013_904_223
            out += Array("line \(seed >> 20) of a text that goes on\n".utf8)
        }
        return Array(out.prefix(count))
    }

    /// What comes of `input`, taken in parts of `part` bytes, with room for `room` bytes a step.
    private static func encoded(
        _ input: [UInt8], by encoder: ContentEncoder, part: Int, room: Int,
        flushes: Bool = false
    ) -> [UInt8] {
        var out: [UInt8] = []
        func run(_ bytes: ArraySlice<UInt8>, _ operation: ContentEncoder.Operation) {
            let bytes = Array(bytes)
            var offset = 0
            while true {
                var step = ContentEncoder.Step.failed
                out.append(addingCapacity: room) { (span: inout OutputSpan<UInt8>) in
                    step = encoder.run(operation, bytes.span, from: offset, into: &span)
                }
                switch step {
                case .done: return
                case .full(let taken): offset += taken
                case .failed:
                    Issue.record("an encoder failed")
                    return
                }
            }
        }
        var at = 0
        while at < input.count {
            let end = min(at + part, input.count)
            run(input[at..<end], flushes ? .flush : .goOn)
            at = end
        }
        run([], .end)
        return out
    }

    @Test(arguments: ContentCoding.allCases)
    func anEncoderGivesTheSameOnceMore(_ coding: ContentCoding) throws {
        try ContentEncoder.load(coding)
        let encoder = try #require(ContentEncoder(coding))
        let input = Self.text(100_000)
        var results: Set<[UInt8]> = []
        for (part, room) in [(100_000, 200_000), (100_000, 77), (100_000, 4096)] {
            #expect(encoder.begin(level: 4))
            results.insert(Self.encoded(input, by: encoder, part: part, room: room))
        }
        #expect(results.count == 1, "the room decides what comes out")
        #expect(results.first?.count ?? 0 < input.count / 4)
    }

    @Test(arguments: ContentCoding.allCases)
    func everyLevelIsTaken(_ coding: ContentCoding) throws {
        try ContentEncoder.load(coding)
        let encoder = try #require(ContentEncoder(coding))
        let input = Self.text(50_000)
        var sizes: [Int] = []
        for level in ContentEncoder.levels(of: coding) {
            #expect(encoder.begin(level: level))
            sizes.append(Self.encoded(input, by: encoder, part: 9000, room: 5000).count)
        }
        #expect(try #require(sizes.last) < #require(sizes.first))
    }

    @Test(arguments: ContentCoding.allCases)
    func aFlushBringsOutWhatCame(_ coding: ContentCoding) throws {
        try ContentEncoder.load(coding)
        let encoder = try #require(ContentEncoder(coding))
        #expect(encoder.begin(level: 3))
        let bytes = Array("data: one\n\n".utf8)
        var kept: [UInt8] = []
        var given: [UInt8] = []
        kept.append(addingCapacity: 1000) { (span: inout OutputSpan<UInt8>) in
            #expect(encoder.run(.goOn, bytes.span, from: 0, into: &span) == .done)
        }
        given.append(addingCapacity: 1000) { (span: inout OutputSpan<UInt8>) in
            #expect(encoder.run(.flush, Span(), from: 0, into: &span) == .done)
        }
        #expect(kept.count < given.count)
        // Another flush has nothing to bring.
        var more: [UInt8] = []
        more.append(addingCapacity: 1000) { (span: inout OutputSpan<UInt8>) in
            #expect(encoder.run(.flush, Span(), from: 0, into: &span) == .done)
        }
        #expect(more.isEmpty)
    }

    @Test func gzipHasItsFrame() throws {
        try ContentEncoder.load(.gzip)
        let encoder = try #require(ContentEncoder(.gzip))
        #expect(encoder.begin(level: 4))
        let out = Self.encoded(Self.text(3000), by: encoder, part: 1000, room: 100)
        #expect(out.prefix(3) == [0x1F, 0x8B, 8])
        // The length of the input, at the end (RFC 1952, section 2.3.1).
        #expect(out.suffix(4) == [UInt8(3000 & 0xFF), UInt8(3000 >> 8), 0, 0])
    }

    @Test func anAbandonedStreamLeavesNothing() throws {
        try ContentEncoder.load(.gzip)
        let encoder = try #require(ContentEncoder(.gzip))
        let input = Self.text(40_000)
        #expect(encoder.begin(level: 4))
        let whole = Self.encoded(input, by: encoder, part: 40_000, room: 50_000)
        #expect(encoder.begin(level: 4))
        var out: [UInt8] = []
        out.append(addingCapacity: 10) { (span: inout OutputSpan<UInt8>) in
            _ = encoder.run(.flush, input.span, from: 0, into: &span)
        }
        #expect(encoder.begin(level: 4))
        #expect(Self.encoded(input, by: encoder, part: 40_000, room: 50_000) == whole)
    }
}
