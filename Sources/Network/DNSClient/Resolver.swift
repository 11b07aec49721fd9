// Resolver: takes questions, lets them begin at a bounded rate and a bounded number of them run at
// once, and knows which servers work. What happens to one question is in PendingQuestion and
// QuestionRace; what is known of the servers in Resolver+Servers.

package import DNSWire
package import Events

/// Asks DNS servers. Loop thread only; keeps no answer, only what it has seen of the servers.
package final class Resolver {
    /// How many questions one turn of the loop ends without asking, so that ten thousand that can't
    /// be answered don't hold up the rest of the control thread.
    private static let endingsPerTurn = 64

    private(set) var options: ResolverOptions
    unowned let loop: EventLoop
    /// Every exchange receives into it: a datagram has at most 65,535 octets.
    let buffer = ReceiveBuffer(capacity: 65536)
    /// What happened so far; copy it for a snapshot.
    package internal(set) var counters = QueryCounters()
    var ranking: ServerRanking
    var statuses: [ServerStatus]
    var denials = DenialMemory()
    let idleConnections = IdleConnections()
    var random = SystemRandomNumberGenerator()

    private var underWay: [ObjectIdentifier: PendingQuestion] = [:]
    /// Copies of questions that serve to know a server; at most one of each is under way.
    private var probes: [Int: PendingQuestion] = [:]
    private var waiting = WaitingLine<PendingQuestion>()
    /// Questions turned away; they hear of it in the next batch.
    private var rejected: [PendingQuestion] = []
    var rate: QuestionRate
    private var pump: Timer?
    private var callsWhenBack: [() -> Void] = []

    /// A resolver on `loop`, which outlives it.
    ///
    /// - Precondition: Time-outs above 0, `attempts` and `underWayMax` of 1 or more,
    ///   `queriesPerSecond` of 1 to 1,000,000.
    package init(_ options: ResolverOptions, on loop: EventLoop) {
        precondition(options.timeout > .zero && options.deadline > .zero && options.attempts > 0)
        precondition(options.underWayMax > 0 && options.waitingMax >= 0)
        self.options = options
        self.loop = loop
        ranking = ServerRanking(count: options.servers.count)
        statuses = options.servers.map { ServerStatus($0) }
        rate = QuestionRate(perSecond: options.queriesPerSecond)
        pump = Timer(on: loop) { [weak self] in self?.startWaiting() }
    }

    // Sockets belong to the loop until they are closed.
    deinit { close() }

    /// The limit of queries in a second.
    package var queriesPerSecond: Int { options.queriesPerSecond }

    /// Questions under way and waiting.
    package var pendingCount: Int { underWay.count + waiting.count }

    /// Questions that wait for their turn.
    package var waitingCount: Int { waiting.count }

    /// Asks for the records of `type` that `name` has, and calls `completion` once, from the loop
    /// and never before this returns. Every question ends within `options.deadline` of its start.
    ///
    /// - Parameter tcpFirst: Whether to ask over TCP from the start; nil is `options.tcpFirst`.
    /// - Returns: A handle to cancel it with; the question goes on without it.
    @discardableResult
    package func ask(
        _ name: DomainName, _ type: RecordType, tcpFirst: Bool? = nil,
        completion: @escaping (DNSAnswer) -> Void
    ) -> PendingQuestion {
        counters[.questions] += 1
        let pending = PendingQuestion(
            Question(name, type), over: tcpFirst ?? options.tcpFirst ? .tcp : .udp, resolver: self,
            completion: completion)
        // Those that the pump is about to start don't count as waiting.
        let startable = max(0, options.underWayMax - underWay.count)
        if waiting.count < options.waitingMax + startable {
            pending.ticket = waiting.append(pending)
        } else {
            counters[.overloaded] += 1
            rejected.append(pending)
        }
        schedulePump(after: .zero)
        return pending
    }

    /// Asks as `options` say from now on. If they name other servers, questions under way are asked
    /// of those. Servers that stay keep what is known of them; those that are gone are forgotten.
    ///
    /// - Precondition: As for `init`; the rate is the one of before.
    package func setOptions(_ options: ResolverOptions) {
        precondition(options.queriesPerSecond == self.options.queriesPerSecond)
        let places = options.servers.map { self.options.servers.firstIndex(of: $0) }
        let haveSameServers = options.servers == self.options.servers
        self.options = options
        guard !haveSameServers else { return }
        ranking.replaceServers(places)
        denials = DenialMemory()
        statuses = zip(options.servers, places).map { server, place in
            place.map { statuses[$0] } ?? ServerStatus(server)
        }
        for probe in Array(probes.values) { probe.cancel() }
        for pending in Array(underWay.values) { pending.startAgain() }
        // A question that was given up since every server was away need not wait for its back-off.
        callBack()
        schedulePump(after: .zero)
    }

    /// Calls `call` once, at the next good answer: a name whose question was given up need not wait
    /// for its back-off when a server is back. The rate keeps all of them apart.
    package func callWhenBack(_ call: @escaping () -> Void) {
        callsWhenBack.append(call)
    }

    /// A server has answered.
    func callBack() {
        guard !callsWhenBack.isEmpty else { return }
        let calls = callsWhenBack
        callsWhenBack = []
        for call in calls { call() }
    }

    /// Cancels every question; no completion is called any more.
    package func close() {
        let all = Array(underWay.values) + Array(probes.values) + waiting.all + rejected
        for pending in all { pending.cancel() }
        idleConnections.close()
    }

    /// Forgets a question that has ended or was cancelled.
    func remove(_ pending: PendingQuestion) {
        if let ticket = pending.ticket {
            pending.ticket = nil
            waiting.leave(ticket)
        } else if underWay.removeValue(forKey: ObjectIdentifier(pending)) == nil {
            probes = probes.filter { $0.value !== pending }
            rejected.removeAll { $0 === pending }
        }
        if !waiting.isEmpty { schedulePump(after: .zero) }
    }

    private func schedulePump(after wait: Duration) {
        if wait > .zero || pump?.isScheduled == false || isPumpLate {
            pump?.schedule(after: wait)
            isPumpLate = wait > .zero
        }
    }

    /// Whether the pump waits for the rate, and not just for the next batch.
    private var isPumpLate = false

    private func startWaiting() {
        isPumpLate = false
        let turnedAway = rejected
        rejected = []
        for pending in turnedAway { pending.finish(.overloaded) }
        var endingsLeft = Self.endingsPerTurn
        while !waiting.isEmpty {
            let now = ContinuousClock.now
            let hasRoom = underWay.count < options.underWayMax
            if let server = ranking.hopeless(now: now, mayProbe: hasRoom) {
                guard endingsLeft > 0 else { return schedulePump(after: .zero) }
                endingsLeft -= 1
                takeFirst()?.finish(giveUp(as: server), wasGivenUp: true)
                continue
            }
            guard hasRoom else { return }
            guard rate.take(now: now) else {
                return schedulePump(after: now.duration(to: rate.nextAt(now: now)))
            }
            if let pending = takeFirst() { start(pending, now: now) }
        }
    }

    private func takeFirst() -> PendingQuestion? {
        let pending = waiting.takeFirst()
        pending?.ticket = nil
        return pending
    }

    /// Asks the servers that are to be asked now. `pending` is under way from then on.
    func start(_ pending: PendingQuestion, now: ContinuousClock.Instant) {
        underWay[ObjectIdentifier(pending)] = pending
        let plan = ranking.plan(now: now)
        for server in plan.probes where probes[server] == nil {
            let probe = PendingQuestion(
                pending.question, over: pending.over, isPaid: false, resolver: self,
                completion: { _ in })
            probes[server] = probe
            count(.probes, server)
            var options = options
            options.attempts = 1
            probe.start([server], options: options)
        }
        pending.start(plan.servers, options: options)
    }

    /// The outcome of a question that no server was asked.
    private func giveUp(as server: Int) -> DNSOutcome {
        counters[.givenUp] += 1
        guard case .unreachable(let error) = ranking.servers[server].lastFailure?.what else {
            return .timeout
        }
        return .unreachable(error)
    }
}
