// AnswerChain: the records of an answer that the question leads to. A server may put anything into
// the answer section, so a record counts only when its owner is the name asked for, or one that an
// alias of the same answer leads to.

package import DNSWire

/// The records of the asked type at the end of the answer's aliases (RFC 1034, section 3.6.2).
package struct AnswerChain: Sendable {
    /// How many aliases are followed; real chains have one or two, and a loop never ends.
    private static let aliasesMax = 8

    /// In the order of the answer; empty when there are none.
    package private(set) var records: [ResourceRecord] = []
    /// Records on the way, aliases included, whose data can't be read: each may be of the asked
    /// type and is in none of the above.
    package private(set) var unreadable: [(record: ResourceRecord, error: DecodeError)] = []
    /// The smallest TTL of the records and the aliases to them, in seconds; nil without either.
    package private(set) var ttlSeconds: UInt32?
    /// Where the aliases lead when the answer ends there without records: to be asked for, since
    /// the server may not have had what lies outside its zone. Nil with records or without aliases,
    /// and for a chain that loops or is too long.
    package private(set) var openAlias: DomainName?
    /// Whether the aliases lead in a circle, or are more than are followed.
    package private(set) var isEndless = false

    /// Follows the aliases of `message`, which are at most eight, from its question on.
    /// - Complexity: O(answers).
    package init(_ message: Message) {
        guard let question = message.question else { return }
        let answers = message.answers.filter { $0.recordClass == question.recordClass }
        var name = question.name
        for _ in 0...Self.aliasesMax {
            var next: (name: DomainName, ttlSeconds: UInt32)?
            for record in answers where record.name == name {
                if case .unreadable(let type, _, let error) = record.data {
                    if type == question.type || type == .cname {
                        unreadable.append((record, error))
                    }
                } else if record.type == question.type || question.type == .any {
                    records.append(record)
                    lower(to: record.ttlSeconds)
                } else if case .cname(let target) = record.data {
                    next = (target, record.ttlSeconds)
                }
            }
            guard records.isEmpty, let next else {
                if records.isEmpty, name != question.name { openAlias = name }
                return
            }
            lower(to: next.ttlSeconds)
            name = next.name
        }
        isEndless = true
    }

    private mutating func lower(to seconds: UInt32) {
        ttlSeconds = min(ttlSeconds ?? seconds, seconds)
    }
}

extension Message {
    /// Whether the server neither answers nor denies, but names other servers (RFC 2308, section
    /// 2.2): it is not one that should have been asked.
    var isReferral: Bool {
        responseCode == .noError && answers.isEmpty
            && authorities.contains { $0.type == .ns }
            && !authorities.contains { $0.type == .soa }
    }
}
