// Goal: where the bytes of a head are cut makes no difference, no byte past the end is looked at,
// and no input traps. Method: every prefix of every case, flush against an unmapped page; seeded
// mutations of the cases.

import HTTP1
import HeadWriting
import Random
import TestSupport
import Testing

@Suite struct SplitAndFuzzTests {
    private let guarded = GuardedBuffer(capacity: 64 * 1024)

    @Test(
        "every proper prefix of a request head wants more, then it is complete",
        arguments: requestCases)
    func requestPrefixes(_ expected: RequestCase) throws {
        let input = bytes(expected.input)
        var head = RequestHead()
        guard case .complete(let length) = head.parse(input.span) else {
            Issue.record("the case itself is not valid")
            return
        }
        let fields = head.fields
        for count in 0..<length {
            let fresh = guarded.withBytes(input[..<count]) { head.parse($0) }
            #expect(fresh == .needMore, "after \(count) bytes")
            let next = input[..<(count + 1)]
            let resumed = guarded.withBytes(next) { head.parse($0, alreadySeen: count) }
            #expect(resumed == (count + 1 == length ? .complete(length: length) : .needMore))
        }
        #expect(guarded.withBytes(input) { head.parse($0) } == .complete(length: length))
        #expect(head.fields == fields)
    }

    @Test(
        "every proper prefix of a response head wants more, then it is complete",
        arguments: responseCases)
    func responsePrefixes(_ expected: ResponseCase) {
        let input = bytes(expected.input)
        var head = ResponseHead()
        for count in 0..<input.count {
            let fresh = guarded.withBytes(input[..<count]) {
                head.parse($0, answering: expected.answering)
            }
            #expect(fresh == .needMore, "after \(count) bytes")
            let resumed = guarded.withBytes(input[...count]) {
                head.parse($0, answering: expected.answering, alreadySeen: count)
            }
            let isWhole = count + 1 == input.count
            #expect(resumed == (isWhole ? .complete(length: input.count) : .needMore))
        }
    }

    @Test("a refused head is never taken for complete at any cut", arguments: refusedRequests)
    func refusedPrefixes(_ refused: RefusedCase) {
        let input = bytes(refused.input)
        var head = RequestHead()
        for count in 0..<input.count {
            let outcome = guarded.withBytes(input[..<count]) { head.parse($0) }
            if case .complete = outcome { Issue.record("complete after \(count) bytes") }
            let resumed = guarded.withBytes(input) { head.parse($0, alreadySeen: count) }
            if case .complete = resumed { Issue.record("complete when resumed at \(count)") }
        }
    }

    @Test("a first line of exactly the limit is whole wherever it is cut")
    func longestLines() {
        let limits = HeadLimits(requestLineBytesMax: 40)
        let long = String(repeating: "x", count: 26)
        let request = bytes("GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n")
        let response = bytes("HTTP/1.1 200 O\(long)\r\nA: b\r\n\r\n")
        for empty in [[], bytes("\r\n")] {
            let input = empty + request
            var head = RequestHead(limits: limits)
            for count in 0..<input.count {
                #expect(head.parse(input.span.extracting(first: count)) == .needMore, "\(count)")
            }
            #expect(head.parse(input.span) == .complete(length: input.count))
        }
        var head = ResponseHead(limits: limits)
        for count in 0..<response.count {
            let outcome = head.parse(response.span.extracting(first: count), answering: .get)
            #expect(outcome == .needMore, "\(count)")
        }
        #expect(head.parse(response.span, answering: .get) == .complete(length: response.count))
    }

    @Test("limits hold for a head that comes byte by byte")
    func slowLimits() {
        let limits = HeadLimits(bytesMax: 120, fieldsMax: 3, requestLineBytesMax: 40)
        func lastOutcome(_ input: String) -> (HeadOutcome, Int) {
            var head = RequestHead(limits: limits)
            let input = bytes(input)
            for count in 1...input.count {
                let outcome = head.parse(
                    input.span.extracting(first: count), alreadySeen: count - 1)
                if outcome != .needMore { return (outcome, count) }
            }
            return (.needMore, input.count)
        }
        let long = String(repeating: "x", count: 200)
        #expect(lastOutcome("GET /\(long)") == (.bad(.requestLineTooLong), 41))
        #expect(lastOutcome("\r\nGET /\(long)") == (.bad(.requestLineTooLong), 43))
        #expect(lastOutcome("GET / HTTP/1.1\r\nX: \(long)") == (.bad(.headTooLarge), 120))
    }

    @Test(
        "mutated requests neither trap nor write a head that another parse refuses",
        arguments: [1, 2, 3, 4] as [UInt64])
    func requestFuzz(_ seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var head = RequestHead()
        var again = RequestHead()
        var out: [UInt8] = []
        var written = 0
        var policy = ForwardingPolicy()
        policy.forwarded = .append
        policy.addsRequestID = true
        var forwarding = Forwarding(policy: policy, port: 80, defaultHost: bytes("d"))
        for round in 0..<4000 {
            let original = requestCases[round % requestCases.count].input
            let input = generator.mutate(bytes(original))
            out.removeAll(keepingCapacity: true)
            guarded.withBytes(input) { span in
                guard case .complete(let length) = head.parse(span) else { return }
                #expect(length <= span.count)
                forwarding.setClient(isTrusted: round % 2 == 0) {
                    $0.append(contentsOf: bytes("::1"))
                }
                head.write(
                    from: span, forwarding: forwarding, requestID: RequestID(high: 1, low: 2),
                    passingUpgrade: true, into: &out)
            }
            if out.isEmpty { continue }
            written += 1
            // What is written is one whole, valid head with the same framing: no smuggling.
            #expect(
                again.parse(out.span) == .complete(length: out.count),
                "\(text(input).debugDescription)")
            #expect(again.body == head.body)
            #expect(again.method == head.method)
        }
        #expect(written > 300, "too few mutations stay valid to show anything")
    }

    @Test(
        "mutated responses neither trap nor write a head that another parse refuses",
        arguments: [5, 6, 7] as [UInt64])
    func responseFuzz(_ seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var head = ResponseHead()
        var again = ResponseHead()
        var out: [UInt8] = []
        var written = 0
        let client = ClientCapabilities(version: .http11, keepsAlive: true)
        for round in 0..<4000 {
            let original = responseCases[round % responseCases.count]
            let input = generator.mutate(bytes(original.input))
            out.removeAll(keepingCapacity: true)
            guarded.withBytes(input) { span in
                guard case .complete = head.parse(span, answering: original.answering) else {
                    return
                }
                head.write(from: span, to: client, framing: head.body, into: &out)
            }
            if out.isEmpty { continue }
            written += 1
            let outcome = again.parse(out.span, answering: original.answering)
            #expect(outcome == .complete(length: out.count), "\(text(input).debugDescription)")
            #expect(again.body == head.body)
            #expect(again.status == head.status)
        }
        #expect(written > 300, "too few mutations stay valid to show anything")
    }
}
