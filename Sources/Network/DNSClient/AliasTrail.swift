// AliasTrail: an answer may hold an alias without the records that it leads to, since the server
// does not own that zone and asks no other. A question of its own then asks for the alias. Aliases
// can lead in a circle, within an answer or over several, so the way is remembered.

package import DNSWire

/// The way from a name over aliases that lead out of answers. Value type.
package struct AliasTrail: Sendable {
    /// Questions that follow the first; real chains have one or two.
    package static let questionsMax = 8

    /// What to do after an answer.
    package enum Step: Sendable, Equatable {
        /// The answer is not about an alias, or the server says that the alias ends in nothing.
        case none
        /// Ask the same question about this name.
        case follow(DomainName)
        /// The aliases lead in a circle, or there are too many of them.
        case endless
    }

    /// The smallest TTL of the aliases that were followed, in seconds; nil before the first.
    package private(set) var ttlSeconds: UInt32?
    private var visited: Set<DomainName>

    /// Begins at `name`.
    package init(from name: DomainName) {
        visited = [name]
    }

    /// Takes the answer about the name that was asked last.
    package mutating func step(after answer: DNSAnswer) -> Step {
        // With a SOA record it is a denial for the alias's end too (RFC 2308, section 2.2).
        guard case .nodata = answer.outcome, let message = answer.message,
            message.negativeTTLSeconds == nil
        else { return .none }
        let chain = AnswerChain(message)
        if chain.isEndless { return .endless }
        guard let alias = chain.openAlias else { return .none }
        guard visited.count <= Self.questionsMax, visited.insert(alias).inserted else {
            return .endless
        }
        ttlSeconds = [ttlSeconds, chain.ttlSeconds].compactMap(\.self).min()
        return .follow(alias)
    }
}
