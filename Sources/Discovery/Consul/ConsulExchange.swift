// ConsulExchange: one request on its way through the agents, until one answers or none is left.
//
// All requests leave an agent at once that can't be reached or says 429. One that says 5xx may be
// right: a datacentre that does not exist and a filter that can't be read are 500 too, from every
// agent. So it is left only when another agent then answers the same request.

internal import Events
internal import HTTP1
internal import HTTPClient
internal import Lookups

/// A request under way, or waiting for its turn. Loop thread only.
final class ConsulExchange {
    /// An agent is near: one that does not accept within this is as good as away.
    private static let connectTimeout = Duration.seconds(2)

    private var request: ConsulRequest
    private let agents: ConsulAgents
    /// Nil once it has ended.
    private var completion: ((ConsulOutcome) -> Void)?
    private var exchange: HTTPClientExchange?
    /// The agent that is asked, or was last.
    private(set) var agent = 0
    private var untried: [Int] = []
    /// Agents that answered 5xx.
    private var suspects: [Int] = []
    private var failure: ConsulFailure?
    /// For an end that must not come at once.
    private var timer: Timer?
    /// Whether the agent was asked to hold its answer back.
    private var isWaiting = false

    init(
        _ request: ConsulRequest, agents: ConsulAgents,
        completion: @escaping (ConsulOutcome) -> Void
    ) {
        self.request = request
        self.agents = agents
        self.completion = completion
    }

    /// Ends it without a completion; harmless when it has ended.
    func cancel() {
        completion = nil
        timer?.cancel()
        timer = nil
        exchange?.cancel()
        exchange = nil
        agents.leave(self)
    }

    /// Begins: it is this exchange's turn.
    func start() {
        untried =
            request.onlyFirstAgent ? [agents.first].compactMap(\.self) : agents.order
        askNext()
    }

    /// The agent is no longer in the list: the others are asked, unless the request may have
    /// changed something there.
    func agentIsGone() {
        guard exchange != nil, request.method == .get else { return }
        exchange?.cancel()
        exchange = nil
        request.position = nil
        start()
    }

    private func askNext() {
        var next: (agent: Int, place: ConsulAgentPlace)?
        while next == nil, !untried.isEmpty {
            let agent = untried.removeFirst()
            next = agents.place(of: agent).map { (agent, $0) }
        }
        guard let (agent, place) = next else { return endWithoutAgent() }
        self.agent = agent
        let http = httpRequest(to: agent, at: place)
        agents.recordRequest(self, to: agent, limit: http.deadline)
        exchange = agents.client.send(http) { [self] outcome in
            exchange = nil
            handle(outcome, from: agent)
        }
    }

    private func endWithoutAgent() {
        if let failure { return end(.failed(failure)) }
        // The caller has the handle before the completion is called.
        timer = Timer(on: agents.loop) { [self] in
            timer = nil
            end(.failed(.unreachable("no host of consul.agents has an address")))
        }
        timer?.schedule(after: .zero)
    }

    private func httpRequest(to agent: Int, at place: ConsulAgentPlace) -> HTTPClient.Request {
        var target = request.target
        func add(_ parameter: String) {
            target += (target.contains("?") ? "&" : "?") + parameter
        }
        if request.mayBeStale, agents.options.policy.isStale { add("stale") }
        var deadline = agents.options.policy.answerTimeout
        if let position = request.position, position.agent == agent, position.index > 0 {
            let wait = agents.wait
            add("index=\(position.index)&wait=\(wait.components.seconds)s")
            deadline += BlockingQuery.longest(wait)
            isWaiting = true
        } else {
            isWaiting = false
        }
        var http = HTTPClient.Request(
            target, from: place.target, host: place.name.map { "\($0)" }, deadline: deadline,
            responseBody: .upTo(agents.options.policy.bodyBytesMax))
        http.tls = place.security(by: agents.tlsClient)
        http.connectDeadline = Self.connectTimeout
        http.method = request.method
        http.body = request.body
        // A request that changes something is not repeated by itself, so it does not set out on a
        // connection that may be closed already.
        http.keepsConnection = request.method == .get
        http.retriesClosedConnection = !isWaiting
        http.fields = [("User-Agent", "fairlead")]
        if let token = agents.options.token { http.fields.append(("X-Consul-Token", token.secret)) }
        return http
    }

    private func handle(_ outcome: HTTPClient.Outcome, from agent: Int) {
        switch outcome {
        case .response(let response):
            switch response.status {
            case 200..<300, 404: succeed(with: response, from: agent)
            case 429:
                agents.leave(agent: agent)
                fail(statusFailure(response), at: agent, othersMayKnow: true)
            case 500...:
                suspects.append(agent)
                fail(statusFailure(response), at: agent, othersMayKnow: true)
            default: fail(statusFailure(response), at: agent, othersMayKnow: false)
            }
        case .failed(.broken(_, .waiting)) where isWaiting,
            .failed(.closedEarly(.waiting)) where isWaiting:
            request.position = nil
            untried.insert(agent, at: 0)
            askNext()
        case .failed(let reason):
            let isAgentsFault: Bool
            switch reason {
            case .bodyTooLarge, .unsendable: isAgentsFault = false
            // This machine has run out of something, which says nothing about the agent; if it is
            // ports, another agent may still be reached.
            case .connect(let errno) where errno.isShortage: isAgentsFault = errno == .noLocalPort
            case .connect, .tls, .timeout, .broken, .closedEarly, .malformedHead, .malformedBody,
                .tooManyInterim, .http2:
                agents.leave(agent: agent)
                isAgentsFault = true
            }
            fail(ConsulFailure(reason), at: agent, othersMayKnow: isAgentsFault)
        }
    }

    private func succeed(with response: HTTPClient.Response, from agent: Int) {
        for suspect in suspects { agents.leave(agent: suspect) }
        let answer = ConsulAnswer(
            status: response.status, agent: agent, index: response.field("x-consul-index"),
            isFiltered: response.field("x-consul-results-filtered-by-acls") == "true",
            knowsLeader: response.field("x-consul-knownleader") != "false", body: response.body)
        agents.recordAnswer(answer)
        end(.answer(answer))
    }

    private func fail(_ what: ConsulFailure, at agent: Int, othersMayKnow: Bool) {
        let failure = agents.located(what, at: agent, request.target, policy: request.policy)
        agents.recordFailure(failure, of: agent)
        // An answer of one agent, or its certificate, tells more than the absence of another.
        switch self.failure?.reason {
        case .status, .tls: break
        case .unreachable, .timeout, .malformed, .hidden, .leaderless, .at, nil:
            self.failure = failure
        }
        guard othersMayKnow else { return end(.failed(failure)) }
        askNext()
    }

    private func statusFailure(_ response: HTTPClient.Response) -> ConsulFailure {
        let text = agents.presentable(response.body)
        // A transaction is refused by 409, whatever the reason.
        let isDenied = response.status == 409 && text.contains("ermission denied")
        return .status(isDenied ? 403 : response.status, text)
    }

    private func end(_ outcome: ConsulOutcome) {
        let completion = completion
        self.completion = nil
        agents.leave(self)
        completion?(outcome)
    }
}
