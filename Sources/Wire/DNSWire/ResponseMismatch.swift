// ResponseMismatch: whether a response answers a question. Anyone who can send a packet to a
// client's port can send an answer, so everything that a forger has to guess is compared (RFC 5452,
// section 9.1); the address that it came from is for the socket's owner to compare.

/// Why a message is not the response to a query.
package enum ResponseMismatch: Error, Hashable, Sendable {
    /// A query, not a response.
    case notAResponse
    case id(expected: UInt16, found: UInt16)
    case opcode(expected: Opcode, found: Opcode)
    /// No question, in a reply that must repeat it.
    case questionMissing
    case question(expected: Question, found: Question)
    /// The question is the one that was asked, but not in the case of letters that was sent.
    case spelling(expected: DomainName, found: DomainName)
}

extension ResponseMismatch: CustomStringConvertible {
    /// A sentence part that says what was expected and what was found.
    package var description: String {
        switch self {
        case .notAResponse: "a query where a response was expected"
        case .id(let expected, let found): "id \(found); expected \(expected)"
        case .opcode(let expected, let found): "opcode \(found); expected \(expected)"
        case .questionMissing: "no question repeated in the response"
        case .question(let expected, let found): "question \(found); expected \(expected)"
        case .spelling(let expected, let found): "question spelled \(found); expected \(expected)"
        }
    }
}

extension Message {
    /// Why this message is not the response to `query`, nil when it is.
    ///
    /// A reply may leave out the question only when it says that the server failed at it: servers
    /// from before EDNS answer FORMERR with the header alone, and a client must see that to ask
    /// again without EDNS (RFC 6891, section 7).
    /// - Parameter sameSpelling: Whether the question must come back in the same case of letters,
    /// for
    ///   a client that mixes it against forgers ("0x20").
    package func mismatch(answering query: Message, sameSpelling: Bool = false) -> ResponseMismatch?
    {
        guard flags.contains(.response) else { return .notAResponse }
        guard id == query.id else { return .id(expected: query.id, found: id) }
        guard opcode == query.opcode else {
            return .opcode(expected: query.opcode, found: opcode)
        }
        guard let asked = query.question else { return nil }
        guard let repeated = question else {
            let failures: [ResponseCode] = [
                .formatError, .serverFailure, .notImplemented, .refused,
            ]
            return failures.contains(responseCode) ? nil : .questionMissing
        }
        guard repeated == asked else { return .question(expected: asked, found: repeated) }
        if sameSpelling, !repeated.name.isSpelled(like: asked.name) {
            return .spelling(expected: asked.name, found: repeated.name)
        }
        return nil
    }
}
