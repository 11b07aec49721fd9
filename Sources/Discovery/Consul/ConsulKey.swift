// ConsulKey: one key of the key/value store that several processes write: it is followed, and
// written by check-and-set, so that of those who write at once one alone is heard.

internal import ConsulQuery
internal import HTTP1
internal import JSON

/// A key of Consul's key/value store. Loop thread only.
package final class ConsulKey {
    /// What the key has. Any thread.
    package struct Value: Sendable, Equatable {
        /// Its bytes.
        package let bytes: [UInt8]
        /// Any number that the writer gave; 0 where it gave none.
        package let flags: UInt64
        /// Rises whenever the key is written.
        package let modifyIndex: UInt64
    }

    /// `Consul key fairlead-secrets/ticket-keys`.
    package let summary: String
    private let key: String
    private let path: String
    private let agents: ConsulAgents
    private let watch: ConsulValueWatch<Value?>
    private var writing: ConsulExchange?

    /// The key of that name, of the agents' own datacentre.
    package init(_ key: String, agents: ConsulAgents) {
        self.key = key
        self.agents = agents
        summary = "Consul key \(key)"
        path = "/v1/kv/\(PercentEncoding.encode(key, keeping: "/"))"
        watch = ConsulValueWatch(path, of: agents) { answer in
            ConsulKV.read(answer, prefix: key).flatMap { contents in
                .success(
                    contents.entries.first { $0.key.isEmpty }.map {
                        Value(bytes: $0.value, flags: $0.flags, modifyIndex: $0.modifyIndex)
                    })
            }
        }
    }

    deinit { stop() }

    /// Asks at once, and reports the value when it is first known and when it differs from the last
    /// report, nil for a key that is not there; a failure in the same way.
    package func start(reportingTo listener: @escaping (Result<Value?, ConsulFailure>) -> Void) {
        watch.start(reportingTo: listener)
    }

    /// Drops what is under way and asks no more.
    package func stop() {
        watch.stop()
        writing?.cancel()
        writing = nil
    }

    /// Writes the key if it is still at `index`, 0 for one that is not there, and calls
    /// `completion` once with whether it was, unless `stop` is called before. One at a time.
    package func write(
        _ bytes: [UInt8], flags: UInt64, replacing index: UInt64,
        completion: @escaping (Result<Bool, ConsulFailure>) -> Void
    ) {
        precondition(writing == nil, "a write is under way")
        var request = ConsulRequest("\(path)?cas=\(index)&flags=\(flags)")
        request.method = .put
        request.body = bytes
        request.mayBeStale = false
        request.policy = "key:write for \"\(key)\""
        writing = agents.send(request) { [weak self] outcome in
            self?.writing = nil
            completion(outcome.verdict)
        }
    }
}

extension ConsulOutcome {
    /// What Consul says to a change that it may decline: `true` or `false`.
    var verdict: Result<Bool, ConsulFailure> {
        switch self {
        case .failed(let failure): .failure(failure)
        // A server without this path is no agent.
        case .answer(let answer) where answer.status == 404: .failure(.status(404, ""))
        case .answer(let answer):
            switch String(decoding: answer.body.prefix(6), as: UTF8.self).prefix(while: \.isLetter)
            {
            case "true": .success(true)
            case "false": .success(false)
            default: .failure(.malformed("it is neither true nor false"))
            }
        }
    }
}
