// Goal: only a response to the question that was asked is taken for one.
// Method: a true reply, and one difference at a time.

import DNSWire
import Testing

@Suite struct ResponseMismatchTests {
    private let query: Message
    private var reply: Message

    init() throws {
        query = .query(id: 7, Question(try DomainName("wEb.consul"), .srv))
        reply = query.reply()
    }

    @Test("a reply answers its query, whatever the case of letters")
    func match() throws {
        #expect(reply.mismatch(answering: query, sameSpelling: true) == nil)
        var lower = reply
        lower.question?.name = try DomainName("web.consul")
        #expect(lower.mismatch(answering: query) == nil)
        let expected = try DomainName("wEb.consul")
        #expect(
            lower.mismatch(answering: query, sameSpelling: true)
                == .spelling(expected: expected, found: expected))
    }

    @Test("a query, another id and another opcode are told apart")
    func header() {
        #expect(query.mismatch(answering: query) == .notAResponse)
        var other = reply
        other.id = 8
        #expect(other.mismatch(answering: query) == .id(expected: 7, found: 8))
        other = reply
        other.opcode = .notify
        #expect(other.mismatch(answering: query) == .opcode(expected: .query, found: .notify))
    }

    @Test("another name, type or class is another question")
    func question() throws {
        let asked = try #require(query.question)
        let others = [
            Question(try DomainName("wEb2.consul"), .srv), Question(asked.name, .a),
            Question(asked.name, .srv, class: .chaos),
        ]
        for other in others {
            var forged = reply
            forged.question = other
            #expect(forged.mismatch(answering: query) == .question(expected: asked, found: other))
        }
    }

    @Test(
        "a reply without question is one only when it says that the server failed",
        arguments: [
            (ResponseCode.noError, false), (.nameError, false), (.formatError, true),
            (.serverFailure, true), (.notImplemented, true), (.refused, true),
        ])
    func noQuestion(code: ResponseCode, isAccepted: Bool) {
        var bare = reply
        bare.question = nil
        bare.responseCode = code
        #expect(bare.mismatch(answering: query) == (isAccepted ? nil : .questionMissing))
    }
}
