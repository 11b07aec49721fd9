// ConsulAgents: everything that this process asks of Consul goes through here, so that agents are
// preferred, left and returned to by one rule, and no agent sees more connections than it allows.
//
// Requests that wait for a change hold a connection for up to a minute; those that are answered at
// once don't. So a tenth of the connections, at most ten, is kept for the latter: the first question
// of a new watch, or a registration, never stands behind others' waits. When more watches exist than
// connections for them, they take turns, first come first served, and each waits for a shorter time,
// so that all have had a turn within about one wait.

internal import Endpoints
package import Events
internal import HTTPClient
internal import JSON

/// The agents of a process, in the order of preference. Loop thread only.
package final class ConsulAgents {
    /// How much of what an agent says is shown.
    private static let presentableBytesMax = 200

    /// How they are asked.
    package let options: ConsulOptions
    let loop: EventLoop
    let client: HTTPClient

    private var random = SystemRandomNumberGenerator()
    private var health: [AgentHealth]
    private var counters: [ConsulAgentStatus]
    /// Watches that have agents hold answers back, whether they wait for an answer or a turn.
    private var watches = 0
    private var waiting: ConsulTurns
    private var immediate: ConsulTurns
    /// The datacentre of the agents; nil until it is known.
    private var ownDatacenter: String?
    private var datacenterWishes: [(String?) -> Void] = []

    /// Asks by `options`, through connections on `loop`.
    ///
    /// - Precondition: The options are within their ranges.
    package init(_ options: ConsulOptions, on loop: EventLoop) {
        precondition(!options.agents.isEmpty, "there is no agent to ask")
        precondition(options.wait >= .seconds(1) && options.wait <= .seconds(600))
        precondition(options.answerTimeout > .zero)
        precondition((2...10_000).contains(options.connectionsPerAgentMax))
        precondition(options.bodyBytesMax > 0)
        self.options = options
        self.loop = loop
        client = HTTPClient(on: loop)
        health = options.agents.map { _ in AgentHealth() }
        counters = options.agents.map(ConsulAgentStatus.init)
        let spared = min(10, max(1, options.connectionsPerAgentMax / 10))
        immediate = ConsulTurns(max: spared)
        waiting = ConsulTurns(max: options.connectionsPerAgentMax - spared)
    }

    /// Each agent's counters and state, in the order of the options.
    package var statuses: [ConsulAgentStatus] {
        let now = ContinuousClock.now
        return counters.indices.map { index in
            var status = counters[index]
            status.isAvailable = health[index].isAvailable(now: now)
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
        Self.wait(options.wait, connections: waiting.max, watches: watches)
    }

    /// `wait`, or the part of it after which each of more watches than connections has had a turn;
    /// whole seconds, at least one.
    static func wait(_ wait: Duration, connections: Int, watches: Int) -> Duration {
        let share = watches > connections ? wait * connections / watches : wait
        return .seconds(max(1, share.components.seconds))
    }

    // MARK: - Which agent

    var order: [Int] { AgentHealth.order(health, now: .now) }

    /// A request is sent to it that takes at most `limit`.
    func noteRequest(to agent: Int, limit: Duration) {
        counters[agent].requests += 1
        health[agent].asked(now: .now, limit: limit)
    }

    /// It answered, and what it said of itself.
    func noteAnswer(_ answer: ConsulAnswer) {
        health[answer.agent].answered()
        counters[answer.agent].answers += 1
        if !answer.knowsLeader { counters[answer.agent].answersWithoutLeader += 1 }
        if answer.isFiltered { counters[answer.agent].answersFiltered += 1 }
    }

    func noteFailure(_ failure: ConsulFailure, of agent: Int) {
        counters[agent].failures[failure.kind, default: 0] += 1
        counters[agent].lastFailure = .init(at: .now, text: "\(failure)")
    }

    /// It is asked after the others for a while.
    func leave(agent: Int) {
        health[agent].failed(now: .now, using: &random)
    }

    /// Its answer can't be used, for this reason.
    ///
    /// - Returns: The failure to report.
    func noteMalformedJSON(_ reason: String, from agent: Int) -> ConsulFailure {
        let text = presentable(Array(reason.utf8))
        counters[agent].malformedJSON += 1
        counters[agent].lastMalformedJSON = .init(at: .now, text: text)
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
