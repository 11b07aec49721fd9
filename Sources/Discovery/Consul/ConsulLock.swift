// ConsulLock: a key of the key/value store that one process at a time holds, by a session that it
// renews. Consul ends a session that is not renewed, after its life or up to twice that, and lets
// nobody else have the key for another while: the one that has lost it may not know yet.
//
// | what happens to the holder       | it counts as lost      | another one has it         |
// |----------------------------------|------------------------|----------------------------|
// | it ends in order                 | by itself              | at once                    |
// | it is killed, its machine is cut | after `life`           | 15 to 30 s, and 15 s later |
// | its node fails for Consul        | at the next renewal    | 15 s later                 |
// | Consul has no leader             | after `life`           | Consul begins to count     |
// |                                  |                        | when it has one            |
//
// The holder stops counting on the lock `life` after the last renewal that it knows of was sent, so
// before Consul can have ended the session. What it writes is checked by Consul all the same, see
// ConsulStore.

internal import ConsulQuery
internal import Events
internal import HTTP1
internal import JSON

/// A lock. Loop thread only; once it was released or lost it is not used again.
package final class ConsulLock {
    /// How long a session lives without a renewal; Consul takes 10 s at least.
    static let life = Duration.seconds(15)
    /// How long nobody has the key after a session ended that held it: a renewal, which says so to
    /// the holder, and an answer of the agent.
    static let delay = Duration.seconds(15)

    /// Called once when the lock is lost while it is held, with the reason.
    package var onLost: (String) -> Void = { _ in }
    /// The session's id; empty before there is one.
    private(set) var session = ""
    private let path: String
    private let key: String
    private let holder: String
    private let agents: ConsulAgents
    private let life: Duration
    private var isHeld = false
    private var renewal: ConsulExchange?
    private var timer: Timer?
    /// When the last renewal was sent that was answered.
    private var renewedAt = ContinuousClock.now
    /// Why the last renewal failed.
    private var failure: ConsulFailure?

    /// A lock that is `key`; `holder` is who it is, for people. `life` is in whole seconds.
    init(
        _ key: String, holder: String, life: Duration = ConsulLock.life, agents: ConsulAgents
    ) {
        self.key = key
        self.holder = holder
        self.agents = agents
        self.life = life
        path = "/v1/kv/\(PercentEncoding.encode(key, keeping: "/"))"
    }

    // MARK: - Getting it

    /// Tries to get the key, and calls `completion` once with whether that is done.
    func acquire(completion: @escaping (Result<Bool, ConsulFailure>) -> Void) {
        let document = SessionDocument(
            Name: "Fairlead \(holder)", TTL: Self.text(life), LockDelay: Self.text(Self.delay))
        var request = ConsulRequest("/v1/session/create")
        request.body = JSON.encode(document) ?? []
        request.policy = "session:write for the agent's node"
        let begin = ContinuousClock.now
        put(request) { [self] outcome in
            switch outcome {
            case .failed(let failure): completion(.failure(failure))
            case .answer(let answer):
                guard let made = try? JSON.decode(SessionAnswer.self, from: answer.body) else {
                    let reason = "there is no id of a session in it"
                    return completion(
                        .failure(agents.recordMalformedJSON(reason, from: answer.agent)))
                }
                session = made.ID
                renewedAt = begin
                take(completion)
            }
        }
    }

    private func take(_ completion: @escaping (Result<Bool, ConsulFailure>) -> Void) {
        var request = ConsulRequest("\(path)?acquire=\(session)")
        request.body = Array(holder.utf8)
        request.policy = "key:write for \"\(key)\""
        put(request) { [self] outcome in
            let verdict = outcome.verdict
            if verdict == .success(true) {
                isHeld = true
                timer = Timer(on: agents.loop) { [unowned self] in renew() }
                timer?.schedule(after: life / 3)
            } else {
                destroy()
            }
            completion(verdict)
        }
    }

    // MARK: - Keeping it

    private func renew() {
        guard isHeld else { return }
        guard ContinuousClock.now - renewedAt < life else {
            return lose(failure.map { "\($0)" } ?? "Consul did not answer in time")
        }
        timer?.schedule(after: renewal == nil ? life / 3 : .seconds(1))
        guard renewal == nil else { return }
        let sent = ContinuousClock.now
        renewal = put(ConsulRequest("/v1/session/renew/\(session)")) { [weak self] outcome in
            guard let self, isHeld else { return }
            renewal = nil
            switch outcome {
            case .answer(let answer) where answer.status == 404:
                lose("Consul has ended its session")
            case .answer: (renewedAt, failure) = (sent, nil)
            case .failed(let failure):
                self.failure = failure
                timer?.schedule(after: .seconds(1))
            }
        }
    }

    /// The lock is not held any more, for this reason.
    func lose(_ reason: String) {
        guard isHeld else { return }
        end()
        destroy()
        onLost(reason)
    }

    private func end() {
        isHeld = false
        timer?.cancel()
        renewal?.cancel()
        renewal = nil
    }

    // MARK: - Giving it back

    /// Gives the key back, so that another one can have it at once. Harmless when it is lost.
    package func release() {
        guard isHeld else { return }
        end()
        // A session that ends while it holds the key would keep others from it for `delay`.
        put(ConsulRequest("\(path)?release=\(session)")) { [self] _ in destroy() }
    }

    private func destroy() {
        put(ConsulRequest("/v1/session/destroy/\(session)")) { _ in }
    }

    @discardableResult
    private func put(
        _ request: ConsulRequest, completion: @escaping (ConsulOutcome) -> Void
    ) -> ConsulExchange {
        var request = request
        request.method = .put
        request.mayBeStale = false
        return agents.send(request, completion: completion)
    }

    private static func text(_ duration: Duration) -> String {
        "\(duration.components.seconds)s"
    }

    /// Consul's JSON.
    private struct SessionDocument: Encodable {
        let Name: String
        let TTL: String
        let LockDelay: String
        let Behavior = "release"
    }

    private struct SessionAnswer: Decodable {
        let ID: String
    }
}
