// A request to an agent and its answer, as values between the agents and their callers.

internal import HTTP1

/// A question to the first agent that can answer it.
struct ConsulRequest {
    var method = Method.get
    /// Path and query, without `index`, `wait` and `stale`, which depend on the agent and the hour.
    var target: String
    var body: [UInt8] = []
    /// Where to wait from; nil for a request that is answered at once.
    var position: Position?
    /// Whether any server may answer, when the options allow it.
    var mayBeStale = true
    /// Whether only the first agent is asked.
    var onlyFirstAgent = false
    /// The permission that a token needs for it, in the words of Consul's policies; nil where the
    /// target says it.
    var policy: String?

    /// An index and the agent it is of: another agent's server may be behind, and would wait for a
    /// change that it does not know yet.
    struct Position {
        var index: UInt64
        var agent: Int
    }

    init(_ target: String) {
        self.target = target
    }
}

/// An answer with a status of 2xx, or 404.
struct ConsulAnswer {
    let status: Int
    let agent: Int
    /// The field X-Consul-Index as it came.
    let index: String?
    /// X-Consul-Results-Filtered-By-ACLs: there is more than the token may see (Consul 1.11).
    let isFiltered: Bool
    /// X-Consul-KnownLeader: false is a server that may have lost touch with the others.
    let knowsLeader: Bool
    let body: [UInt8]

    /// Why an empty answer is no evidence that nothing is there; nil when it is. A server that has
    /// just started or was cut off may know nothing yet (consul-template#1131, consul#16539).
    var doubt: ConsulFailure? {
        if isFiltered { return .hidden }
        return knowsLeader ? nil : .leaderless
    }
}

/// What a request came to.
enum ConsulOutcome {
    case answer(ConsulAnswer)
    case failed(ConsulFailure)
}
