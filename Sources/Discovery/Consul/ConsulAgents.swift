// ConsulAgents: everything that this process asks of Consul goes through here, so that agents are
// preferred, left and returned to by one rule, and no agent sees more connections than it allows.
//
// Requests that wait for a change hold a connection for up to a minute; those that are answered at
// once don't. So a tenth of the connections, at most ten, is kept for the latter: the first
// question of a new watch, or a registration, never stands behind others' waits. When more watches
// exist than connections for them, they take turns, first come first served, and each waits for a
// shorter time, so that all have had a turn within about one wait.

package import Events
internal import HTTPClient
internal import JSON
internal import Lookups
package import TLS

/// The agents of a process, in the order of preference. Loop thread only.
package final class ConsulAgents {
    /// How much of what an agent says is shown.
    private static let presentableBytesMax = 200

    /// How they are asked.
    package private(set) var options: ConsulOptions
    let loop: EventLoop
    let client: HTTPClient
    /// Nil while no agent is asked by TLS.
    private(set) var tlsClient: TLSClient?

    private var random = SystemRandomNumberGenerator()
    /// In the order of preference.
    private var agents: [Agent] = []
    private var lastID = 0
    /// Exchanges that have been sent to an agent.
    private var underWay: [ObjectIdentifier: ConsulExchange] = [:]
    /// Watches whose answers agents hold back, whether they wait for an answer or for a turn.
    private var watches = 0
    private var waiting: ConsulTurns
    private var immediate: ConsulTurns
    /// The datacentre of the agents; nil until it is known.
    private var ownDatacenter: String?
    private var datacenterWishes: [(String?) -> Void] = []

    /// An agent. Its number is never another's, so that news of an agent that is gone is not taken
    /// for news of the next.
    private struct Agent {
        let id: Int
        var health = AgentHealth()
        var counters: ConsulAgentStatus
    }

    /// Asks by `options`, through connections on `loop`.
    ///
    /// - Precondition: The options are within their ranges.
    package init(_ options: ConsulOptions, on loop: EventLoop) {
        precondition(options.policy.wait >= .seconds(1) && options.policy.wait <= .seconds(600))
        precondition(options.policy.answerTimeout > .zero)
        precondition((2...10_000).contains(options.policy.connectionsPerAgentMax))
        precondition(options.policy.bodyBytesMax > 0)
        self.options = options
        self.loop = loop
        client = HTTPClient(on: loop)
        tlsClient = options.tls.map(TLSClient.init(checked:))
        let spared = min(10, max(1, options.policy.connectionsPerAgentMax / 10))
        immediate = ConsulTurns(max: spared)
        waiting = ConsulTurns(max: options.policy.connectionsPerAgentMax - spared)
        setAgents(options.agents)
    }

    /// Asks those at `places` from now on, in the order of preference; none while it is not known
    /// where they are. What is known of those that stay goes on. Questions at one that is gone are
    /// asked of the others.
    package func setAgents(_ places: [ConsulAgentPlace]) {
        var known = agents
        agents = places.map { place in
            if let index = known.firstIndex(where: { $0.counters.place == place }) {
                return known.remove(at: index)
            }
            lastID += 1
            return Agent(id: lastID, counters: ConsulAgentStatus(place))
        }
        for gone in known {
            for exchange in Array(underWay.values) where exchange.agent == gone.id {
                exchange.agentIsGone()
            }
        }
    }

    /// Makes new connections by `tls` from now on, with which a client was made before. Questions
    /// that are under way end on the connections that they have.
    package func setTLS(_ tls: TLSClientOptions) {
        guard tls != options.tls else { return }
        options.tls = tls
        tlsClient = TLSClient(checked: tls)
    }

    /// Each agent's counters and state, in the order of the options.
    package var statuses: [ConsulAgentStatus] {
        let now = ContinuousClock.now
        return agents.map { agent in
            var status = agent.counters
            status.isAvailable = agent.health.isAvailable(now: now)
            return status
        }
    }

    // MARK: - Asking

    /// Asks as soon as it is this request's turn, and calls `completion` once, from the loop and
    /// never before this returns, unless the exchange is cancelled before.
    @discardableResult
    func send(
        _ request: ConsulRequest, completion: @escaping (ConsulOutcome) -> Void
    ) -> ConsulExchange {
        let exchange = ConsulExchange(request, agents: self, completion: completion)
        if request.position == nil {
            immediate.append(exchange)
        } else {
            waiting.append(exchange)
        }
        startNext()
        return exchange
    }

    /// An exchange has ended or was cancelled.
    func leave(_ exchange: ConsulExchange) {
        underWay[ObjectIdentifier(exchange)] = nil
        immediate.remove(exchange)
        waiting.remove(exchange)
        startNext()
    }

    private func startNext() {
        while let exchange = immediate.next() ?? waiting.next() { exchange.start() }
    }

    func addWatch() { watches += 1 }
    func removeWatch() { watches -= 1 }

    /// How long a query may wait now.
    var wait: Duration {
        Self.wait(options.policy.wait, connections: waiting.max, watches: watches)
    }

    /// `wait`, or the part of it after which each of more watches than connections has had a turn;
    /// whole seconds, at least one.
    static func wait(_ wait: Duration, connections: Int, watches: Int) -> Duration {
        let share = watches > connections ? wait * connections / watches : wait
        return .seconds(max(1, share.components.seconds))
    }

    // MARK: - Which agent

    /// Their numbers, in the order in which to ask them.
    var order: [Int] {
        AgentHealth.order(agents.map(\.health), now: .now).map { agents[$0].id }
    }

    /// The number of the first, which answers for what runs beside it; nil while there is none.
    var first: Int? { agents.first?.id }

    /// Where the agent of this number is; nil when it is gone.
    func place(of agent: Int) -> ConsulAgentPlace? {
        agents.first { $0.id == agent }?.counters.place
    }

    private func change(_ agent: Int, _ change: (inout Agent) -> Void) {
        guard let place = agents.firstIndex(where: { $0.id == agent }) else { return }
        change(&agents[place])
    }

    /// A request is sent to it that takes at most `limit`.
    func recordRequest(_ exchange: ConsulExchange, to agent: Int, limit: Duration) {
        underWay[ObjectIdentifier(exchange)] = exchange
        change(agent) {
            $0.counters.requests += 1
            $0.health.asked(now: .now, limit: limit)
        }
    }

    /// Records that the agent answered, and what it said about itself.
    func recordAnswer(_ answer: ConsulAnswer) {
        change(answer.agent) {
            $0.health.answered()
            $0.counters.answers += 1
            if !answer.knowsLeader { $0.counters.answersWithoutLeader += 1 }
            if answer.isFiltered { $0.counters.answersFiltered += 1 }
        }
    }

    func recordFailure(_ failure: ConsulFailure, of agent: Int) {
        change(agent) {
            $0.counters.failures[failure.kind, default: 0] += 1
            $0.counters.lastFailure = .init(at: .now, text: "\(failure)")
        }
    }

    /// From now on the agent is asked after the others, for a while.
    func leave(agent: Int) {
        change(agent) { $0.health.failed(now: .now, using: &random) }
    }

    /// `failure` with the address of the agent and what to do about it; `target` is the path that
    /// was asked for, and `policy` the permission that it takes, nil where the target says it.
    func located(
        _ failure: ConsulFailure, at agent: Int, _ target: String, policy: String? = nil
    ) -> ConsulFailure {
        if case .at = failure { return failure }
        guard let place = place(of: agent) else { return failure }
        return .at(
            "\(place)", failure,
            advice: ConsulAdvice.text(for: failure, target, policy: policy, options))
    }

    /// Its answer can't be used, for this reason.
    ///
    /// - Returns: The failure to report.
    func recordMalformedJSON(_ reason: String, from agent: Int) -> ConsulFailure {
        let text = presentable(Array(reason.utf8))
        change(agent) {
            $0.counters.malformedJSON += 1
            $0.counters.lastMalformedJSON = .init(at: .now, text: text)
        }
        return .malformed(text)
    }

    /// The beginning of `bytes`, which an agent has a hand in, as one printable line: without the
    /// token, should the agent repeat it, and cut only after that.
    func presentable(_ bytes: [UInt8]) -> String {
        let printable = bytes.prefix(Self.presentableBytesMax * 20)
            .map { (0x20...0x7E).contains($0) ? $0 : 0x20 }
        let line = String(decoding: printable, as: UTF8.self)
            .split(separator: " ").joined(separator: " ")
        let text = options.token?.redacted(from: line) ?? line
        return String(text.prefix(Self.presentableBytesMax))
    }

    // MARK: - The agents' own datacentre

    /// Finds out which datacentre the agents are in, from the first that says it; nil when none
    /// does, as for a token without `agent:read`. Asked once, and again only after a nil. Calls
    /// `completion` at once when it is known already.
    func findDatacenter(_ completion: @escaping (String?) -> Void) {
        if let ownDatacenter { return completion(ownDatacenter) }
        datacenterWishes.append(completion)
        guard datacenterWishes.count == 1 else { return }
        var request = ConsulRequest("/v1/agent/self")
        request.mayBeStale = false
        send(request) { outcome in
            if case .answer(let answer) = outcome, answer.status == 200 {
                self.ownDatacenter = try? JSON.decode(
                    AgentSelf.self, from: answer.body
                ).Config.Datacenter
            }
            let wishes = self.datacenterWishes
            self.datacenterWishes = []
            for wish in wishes { wish(self.ownDatacenter) }
        }
    }

    /// The part of `/v1/agent/self` that is of interest. Names are Consul's.
    private struct AgentSelf: Decodable {
        struct Configuration: Decodable {
            let Datacenter: String
        }
        let Config: Configuration
    }
}
