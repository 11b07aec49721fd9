// QueryCounters: what has been seen of questions and queries, of all servers together and of each.
// A new counter is a case of `QueryCounter` with its names, and a line where it is counted.

package import DNSWire

/// What is counted of questions, and of the queries to servers that answer them.
package enum QueryCounter: CaseIterable, Sendable {
    /// Questions asked by the program.
    case questions
    /// Questions refused because too many were waiting.
    case overloaded
    /// Questions ended at once because every server is away.
    case givenUp
    /// Queries sent over UDP; more than the questions when servers were raced or asked again.
    case sentUDP
    /// Queries for which a TCP connection was begun.
    case sentTCP
    /// Queries that only served to know the server.
    case probes
    /// Queries that asked again as spelled, or without EDNS, before a denial or an error counted.
    case doubted
    /// Messages and packets that came, whatever they were.
    case received
    /// UDP answers with the TC bit.
    case truncated
    /// Packets that were no DNS message.
    case malformed
    /// Messages that did not answer the query: wrong id, question or case of letters, or no
    /// response.
    case mismatched
    /// Messages of these that were right but for the case of letters.
    case misspelled
    /// Queries that were not answered in time.
    case timeouts
    /// Queries without an answer in time, or before another server's.
    case silences
    /// Queries that could not be sent, or were refused by the network.
    case unreachable

    /// The name among the messages of all servers, as operators see it; nil for one that only
    /// Fairlead itself reads. Names that were released stay.
    var messageName: String? {
        switch self {
        case .sentUDP: "sent_udp"
        case .sentTCP: "sent_tcp"
        case .received: "received"
        case .truncated: "truncated"
        case .malformed: "malformed"
        case .mismatched: "mismatched"
        case .timeouts: "timed_out"
        case .unreachable: "unreachable"
        case .questions, .overloaded, .givenUp, .probes, .doubted, .misspelled, .silences: nil
        }
    }

    /// The name among the answers of one server, as operators see it, where codes of responses are
    /// as well; nil for one that is not among them.
    var answerName: String? {
        switch self {
        case .silences: "silence"
        case .unreachable: "unreachable"
        case .truncated: "truncated"
        case .doubted: "asked_again"
        case .questions, .overloaded, .givenUp, .sentUDP, .sentTCP, .probes, .received, .malformed,
            .mismatched, .misspelled, .timeouts:
            nil
        }
    }
}

/// Sums since the resolver was made, or since a server is known. A copy is a snapshot. Value type.
package struct QueryCounters: Hashable, Sendable {
    private var counts: [QueryCounter: Int] = [:]
    /// Valid responses by their code, `.noError` among them.
    package internal(set) var responses: [ResponseCode: Int] = [:]

    /// The sum of one counter.
    package internal(set) subscript(_ counter: QueryCounter) -> Int {
        get { counts[counter] ?? 0 }
        set { counts[counter] = newValue }
    }

    /// What became of messages, by the names that operators see.
    package var messages: [String: Int] { named(\.messageName) }

    /// What became of queries, by the names that operators see: the codes of responses, and what
    /// was no response.
    package var answers: [String: Int] {
        let codes = responses.map { ("\($0)", $1) }
        return named(\.answerName).merging(codes) { own, _ in own }
    }

    private func named(_ name: (QueryCounter) -> String?) -> [String: Int] {
        var named: [String: Int] = [:]
        for counter in QueryCounter.allCases {
            if let name = name(counter) { named[name] = self[counter] }
        }
        return named
    }
}
