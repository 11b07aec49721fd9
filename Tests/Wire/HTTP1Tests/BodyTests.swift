// Goal: a body ends exactly where its framing says, wherever the bytes are cut; the chunked coding
// is read to the letter. Method: tables of bodies with what follows them, each fed whole and in two
// pieces at every point; a malformed twin of each; seeded mutations.

import HTTP1
import Random
import TestSupport
import Testing

/// A body, its framing and the payload in it.
struct BodyCase: CustomTestStringConvertible, Sendable {
    var framing: BodyFraming
    var body: String
    var payload: String
    var testDescription: String { "\(framing) \(body.debugDescription)" }

    init(_ framing: BodyFraming, _ body: String, _ payload: String) {
        self.framing = framing
        self.body = body
        self.payload = payload
    }

    /// A chunked one.
    init(_ body: String, _ payload: String) { self.init(.chunked, body, payload) }
}

/// A broken chunked body.
struct BrokenCase: CustomTestStringConvertible, Sendable {
    var body: String
    var error: BodyError
    var testDescription: String { "\(error) \(body.prefix(60).debugDescription)" }

    init(_ body: String, _ error: BodyError) {
        self.body = body
        self.error = error
    }
}

let bodyCases: [BodyCase] = [
    BodyCase(.none, "", ""),
    BodyCase(.length(0), "", ""),
    BodyCase(.length(5), "12345", "12345"),
    BodyCase("0\r\n\r\n", ""),
    BodyCase("5\r\n12345\r\n0\r\n\r\n", "12345"),
    BodyCase("00005\r\n12345\r\n000\r\n\r\n", "12345"),
    BodyCase("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a"),
    BodyCase("4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"),
    BodyCase("1;x\r\nz\r\n0;y;z=1\r\n\r\n", "z"),
    BodyCase("1 ; x = y ;z\t=\t\"q;\\\"\t\"\r\nz\r\n0\r\n\r\n", "z"),
    BodyCase("1;a=\"\";b\r\nz\r\n0\r\n\r\n", "z"),
    BodyCase("1;a=\"x\" ;b=c ;d ;e\r\nz\r\n0\r\n\r\n", "z"),
    BodyCase("1\r\nz\r\n0\r\nX: y\r\nExpires:\r\nZ:\t\u{E9}\r\n\r\n", "z"),
]

let brokenBodies: [BrokenCase] = [
    BrokenCase("\r\n", .invalidChunkSize),
    BrokenCase("0x5\r\n12345\r\n0\r\n\r\n", .invalidChunkSize),
    BrokenCase("+5\r\n12345\r\n0\r\n\r\n", .invalidChunkSize),
    BrokenCase("-0\r\n\r\n", .invalidChunkSize),
    BrokenCase(" 5\r\n12345\r\n0\r\n\r\n", .invalidChunkSize),
    BrokenCase("g\r\n", .invalidChunkSize),
    BrokenCase(";x\r\n", .invalidChunkSize),
    BrokenCase("5_\r\n", .invalidChunkSize),
    BrokenCase("4000000000000000\r\n", .invalidChunkSize),
    BrokenCase("10000000000000005\r\n", .invalidChunkSize),
    BrokenCase("00000000000000005\r\n", .invalidChunkSize),
    BrokenCase("5 \r\n12345\r\n0\r\n\r\n", .invalidChunkExtension),
    BrokenCase("5 zz\r\n12345\r\n0\r\n\r\n", .invalidChunkExtension),
    BrokenCase("5;\r\n12345\r\n0\r\n\r\n", .invalidChunkExtension),
    BrokenCase("5;x=\r\n12345\r\n0\r\n\r\n", .invalidChunkExtension),
    BrokenCase("5;x=\"a\r\nb\"\r\n", .invalidChunkExtension),
    BrokenCase("5;x=\"a\"b\r\n", .invalidChunkExtension),
    BrokenCase("5;x=\"\\\r\"\r\n", .invalidChunkExtension),
    BrokenCase("5;x y\r\n", .invalidChunkExtension),
    BrokenCase("5;x\u{0}\r\n", .invalidChunkExtension),
    BrokenCase("5;x\n12345\r\n", .invalidLineEnd),
    BrokenCase("5;x\rX12345\r\n", .invalidLineEnd),
    BrokenCase("5\n12345\r\n0\r\n\r\n", .invalidLineEnd),
    BrokenCase("5\rX12345\r\n", .invalidLineEnd),
    BrokenCase("5\r\n12345\n0\r\n\r\n", .invalidLineEnd),
    BrokenCase("5\r\n123456\r\n0\r\n\r\n", .invalidLineEnd),
    BrokenCase("5\r\n12345\r0\r\n\r\n", .invalidLineEnd),
    BrokenCase("0\r\n\n", .invalidLineEnd),
    BrokenCase("0\r\n\rX", .invalidLineEnd),
    BrokenCase("0\r\nX: y\n\r\n", .invalidLineEnd),
    BrokenCase("0\r\nX: y\r\r\n", .invalidLineEnd),
    BrokenCase("0\r\nX\r\n\r\n", .invalidTrailer),
    BrokenCase("0\r\nHost: x\r\n\r\n", .forbiddenTrailer),
    BrokenCase("0\r\nX: y\r\nTRANSFER-encoding: chunked\r\n\r\n", .forbiddenTrailer),
    BrokenCase("0\r\nAuthorization: x\r\n\r\n", .forbiddenTrailer),
    BrokenCase("0\r\nX_Forwarded-For: x\r\n\r\n", .forbiddenTrailer),
    BrokenCase("0\r\nContent-Length:\r\n\r\n", .forbiddenTrailer),
    BrokenCase("0\r\nX : y\r\n\r\n", .invalidTrailer),
    BrokenCase("0\r\n: y\r\n\r\n", .invalidTrailer),
    BrokenCase("0\r\nX: y\r\n z\r\n\r\n", .invalidTrailer),
    BrokenCase("0\r\nX: \u{0}\r\n\r\n", .invalidTrailer),
    BrokenCase("0\r\nGET / HTTP/1.1\r\n\r\n", .invalidTrailer),
    BrokenCase("1;" + String(repeating: "x", count: 1025) + "\r\n", .chunkExtensionTooLong),
    BrokenCase("0\r\nX: " + String(repeating: "x", count: 8192) + "\r\n", .trailerTooLong),
    BrokenCase(
        String(repeating: "1;" + String(repeating: "x", count: 1000) + "\r\nz\r\n", count: 18),
        .chunkExtensionTooLong),
]

@Suite struct BodyTests {
    private let guarded = GuardedBuffer(capacity: 64 * 1024)

    /// Reads all payload in `pieces` and says how many bytes the body took; nil if it did not end.
    private func read(
        _ framing: BodyFraming, _ pieces: [[UInt8]]
    ) throws(BodyError) -> (payload: String, consumed: Int?) {
        var reader = PayloadReader(framing)
        var payload: [UInt8] = []
        var before = 0
        for piece in pieces {
            var at = 0
            pieceLoop: while true {
                let step = guarded.withBytes(piece) { reader.next($0, from: at) }
                switch step {
                case .data(let range):
                    payload += piece[range]
                    at = range.upperBound
                case .needMore:
                    break pieceLoop
                case .end(let consumed):
                    return (text(payload), before + consumed)
                case .bad(let error):
                    throw error
                }
            }
            before += piece.count
        }
        return (text(payload), nil)
    }

    @Test(
        "a body ends where it ends, whatever follows and wherever it is cut", arguments: bodyCases)
    func ends(_ expected: BodyCase) throws {
        let body = bytes(expected.body)
        let input = body + bytes("0\r\n\r\nGET")
        for cut in 0...input.count {
            let pieces = [Array(input[..<cut]), Array(input[cut...])]
            let (payload, consumed) = try read(expected.framing, pieces)
            #expect(consumed == body.count)
            #expect(payload == text(bytes(expected.payload)))

            var tracker = BodyTracker(expected.framing)
            let first = guarded.withBytes(pieces[0]) { tracker.advance($0) }
            if cut >= body.count {
                #expect(first == .end(consumed: body.count))
            } else {
                #expect(first == .more)
                let second = guarded.withBytes(pieces[1]) { tracker.advance($0) }
                #expect(second == .end(consumed: body.count - cut))
            }
            #expect(tracker.isComplete)
        }
    }

    @Test("a body fed byte by byte ends at the same byte", arguments: bodyCases)
    func byteByByte(_ expected: BodyCase) {
        var tracker = BodyTracker(expected.framing)
        let body = bytes(expected.body)
        for index in body.indices {
            let progress = tracker.advance(body.span.extracting(index...index))
            #expect(progress == (index == body.count - 1 ? .end(consumed: 1) : .more))
        }
        #expect(tracker.isComplete)
        #expect(tracker.remaining == 0)
    }

    @Test("a broken chunked body is refused, wherever it is cut", arguments: brokenBodies)
    func broken(_ expected: BrokenCase) {
        let body = bytes(expected.body)
        let step = max(1, body.count / 200)
        for cut in stride(from: 0, to: body.count, by: step) {
            var tracker = BodyTracker(.chunked)
            var progress = guarded.withBytes(body[..<cut]) { tracker.advance($0) }
            if progress == .more {
                progress = guarded.withBytes(body[cut...]) { tracker.advance($0) }
            }
            #expect(progress == .bad(expected.error))
            #expect(throws: expected.error) { try read(.chunked, [body]) }
        }
    }

    @Test("extensions within the allowance of their data are taken")
    func extensionsWithData() {
        let chunk =
            "400;" + String(repeating: "x", count: 1000) + "\r\n"
            + String(repeating: "d", count: 1024)
            + "\r\n"
        var tracker = BodyTracker(.chunked)
        for _ in 0..<50 {
            #expect(tracker.advance(bytes(chunk).span) == .more)
        }
    }

    @Test("a body that lasts until close never ends by itself")
    func untilClose() throws {
        var tracker = BodyTracker(.untilClose)
        #expect(tracker.endsAtClose && !tracker.isComplete && tracker.remaining == nil)
        #expect(tracker.advance(bytes("0\r\n\r\n").span) == .more)
        #expect(tracker.advance(bytes("").span) == .more)
        let (payload, consumed) = try read(.untilClose, [bytes("ab"), bytes("c")])
        #expect(payload == "abc" && consumed == nil)
    }

    @Test("bytes that passed by splicing count")
    func skip() {
        var tracker = BodyTracker(.length(1 << 40))
        tracker.skip(1 << 40 - 3)
        #expect(tracker.remaining == 3)
        #expect(tracker.advance(bytes("12345").span) == .end(consumed: 3))
    }

    @Test("a large chunk costs one step per call")
    func largeChunk() {
        var reader = PayloadReader(.chunked)
        let size = bytes("3fffffffffffffff\r\n")
        #expect(reader.next(size.span, from: 0) == .needMore)
        let data = [UInt8](repeating: 0, count: 60_000)
        for _ in 0..<100 {
            #expect(reader.next(data.span, from: 0) == .data(0..<60_000))
        }
    }

    @Test(
        "of a response's trailers those that may not be there are left out, wherever it is cut",
        arguments: [
            ("", ""), ("X-Sum: 1\r\n", "X-Sum: 1\r\n"), ("Set-Cookie: a\r\n", ""),
            ("A: 1\r\nVARY: x\r\nB:\r\n", "A: 1\r\nB:\r\n"),
            ("content-type: x\r\nC: 3\r\n", "C: 3\r\n"),
            ("Content_Length: 5\r\nD: 4\r\n", "D: 4\r\n"),
            ("Transfer-Encoding: chunked\r\nHost: h\r\n", ""),
            ("X : 1\r\nE \t: 5\r\nF: 6\r\n", "F: 6\r\n"),
        ])
    func trailersLeftOut(_ section: String, _ allowed: String) {
        let body = bytes("3\r\nabc\r\n0\r\n\(section)\r\nnext")
        let end = body.count - 4
        for cut in 0...end {
            var tracker = BodyTracker(.chunked, trailers: .leaveOut)
            var (passed, held): ([UInt8], [UInt8]) = ([], [])
            var isEnded = false
            for piece in [body[..<cut], body[cut...]] where !isEnded {
                let piece = Array(piece)
                let progress = guarded.withBytes(piece) { tracker.advance($0) }
                var count = piece.count
                if case .end(let consumed) = progress { (count, isEnded) = (consumed, true) }
                let start = tracker.trailersStart ?? count
                passed += piece[..<start]
                held += piece[start..<count]
            }
            #expect(isEnded && tracker.isComplete)
            TrailerSection.append(allowedOf: held.span, to: &passed)
            #expect(text(passed) == "3\r\nabc\r\n0\r\n\(allowed)\r\n", "cut at \(cut)")
            // A reader of the payload alone does not mind them either.
            var reader = PayloadReader(.chunked, trailers: .leaveOut)
            #expect(reader.next(body.span, from: 0) == .data(3..<6))
            #expect(reader.next(body.span, from: 6) == .end(consumed: end))
        }
    }

    /// What a relay passes on of a body that comes in `pieces`, and holds of its trailer section;
    /// `consumed` is nil when the body did not end.
    private func pass(
        _ framing: BodyFraming, keepsChunks: Bool, _ pieces: [[UInt8]]
    ) throws(BodyError) -> (passed: String, held: String, consumed: Int?) {
        var passage = BodyPassage(framing, keepsChunks: keepsChunks)
        var (passed, held): ([UInt8], [UInt8]) = ([], [])
        var before = 0
        for piece in pieces {
            var at = 0
            pieceLoop: while true {
                switch guarded.withBytes(piece, { passage.next($0, from: at) }) {
                case .part(let range):
                    passed += piece[range]
                    at = range.upperBound
                case .more(let range, let trailers):
                    passed += piece[range]
                    held += piece[trailers]
                    #expect(trailers.upperBound == piece.count)
                    break pieceLoop
                case .end(let range, let trailers):
                    passed += piece[range]
                    held += piece[trailers]
                    return (text(passed), text(held), before + trailers.upperBound)
                case .bad(let error): throw error
                }
            }
            before += piece.count
        }
        return (text(passed), text(held), nil)
    }

    @Test(
        "a relay passes on a body as it is, or what is in its chunks, wherever it is cut",
        arguments: bodyCases)
    func passage(_ expected: BodyCase) throws {
        let body = bytes(expected.body)
        let input = body + bytes("HTTP")
        for cut in 0...input.count {
            let pieces = [Array(input[..<cut]), Array(input[cut...])]
            let whole = try pass(expected.framing, keepsChunks: true, pieces)
            #expect(whole.passed + whole.held == text(body) && whole.consumed == body.count)
            let data = try pass(expected.framing, keepsChunks: false, pieces)
            #expect(data.passed == text(bytes(expected.payload)) && data.consumed == body.count)
            #expect(data.held == whole.held)
        }
    }

    @Test(
        "a relay holds the trailers of a body, whether it keeps its chunks or not",
        arguments: ["", "X-Sum: 1\r\n", "A: 1\r\nVary: x\r\n"])
    func trailersOfPassage(_ section: String) throws {
        let front = "3\r\nabc\r\n0\r\n"
        let body = bytes("\(front)\(section)\r\n")
        for cut in 0...body.count {
            let pieces = [Array(body[..<cut]), Array(body[cut...])]
            let whole = try pass(.chunked, keepsChunks: true, pieces)
            #expect(whole.passed == (section.isEmpty ? text(body) : front), "cut at \(cut)")
            #expect(whole.held == (section.isEmpty ? "" : "\(section)\r\n"))
            #expect(whole.consumed == body.count)
            let data = try pass(.chunked, keepsChunks: false, pieces)
            #expect(data.passed == "abc" && data.held == whole.held, "cut at \(cut)")
            #expect(data.consumed == body.count)
        }
    }

    @Test(
        "a broken body does not pass a relay, whatever goes on of it",
        arguments: brokenBodies.filter {
            // A response's trailers are held and sorted out.
            $0.error != .forbiddenTrailer && $0.error != .invalidTrailer
        })
    func brokenPassage(_ expected: BrokenCase) {
        for keepsChunks in [true, false] {
            #expect(throws: expected.error) {
                try pass(.chunked, keepsChunks: keepsChunks, [bytes(expected.body)])
            }
        }
    }

    @Test(
        "a response's trailer section that is none is malformed all the same",
        arguments: [
            ("X\r\n", BodyError.invalidTrailer), ("X x: 1\r\n", .invalidTrailer),
            (" : x\r\n", .invalidTrailer), ("X: 1\r\n y\r\n", .invalidTrailer),
            ("Vary: \u{1}\r\n", .invalidTrailer), ("Vary: x\n", .invalidLineEnd),
            ("Vary: " + String(repeating: "x", count: 8192) + "\r\n", .trailerTooLong),
        ])
    func brokenTrailers(_ section: String, _ error: BodyError) {
        let body = bytes("0\r\n\(section)\r\n")
        var tracker = BodyTracker(.chunked, trailers: .leaveOut)
        #expect(tracker.advance(body.span) == .bad(error))
    }

    @Test(
        "mutated chunked bodies do not trap, and both readers agree", arguments: [8, 9] as [UInt64])
    func fuzz(_ seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        for round in 0..<3000 {
            let input = generator.mutate(bytes(bodyCases[3 + round % (bodyCases.count - 3)].body))
            var tracker = BodyTracker(.chunked)
            let progress = guarded.withBytes(input) { tracker.advance($0) }
            do throws(BodyError) {
                let consumed = try read(.chunked, input.map { [$0] }).consumed
                #expect(progress == consumed.map { .end(consumed: $0) } ?? .more)
            } catch {
                #expect(progress == .bad(error))
            }
        }
    }
}
