// What the agent answered, and what follows for the ledger.

package import Consul
internal import Lookups

extension RegistrarLedger {
    // MARK: What came of it

    /// What the agent holds, or why it does not say.
    package mutating func finishList(
        _ result: Result<AgentHoldings, ConsulFailure>, now: ContinuousClock.Instant
    ) {
        guard let asked = listing else { return }
        listing = nil
        switch result {
        case .failure(let failure): failAgent(failure, now)
        case .success(let holdings):
            answer()
            listAt = now + options.policy.resync
            apply(holdings, asked, now)
            isListed = true
        }
    }

    /// What an action other than a list came to.
    package mutating func finish(
        _ action: Action, _ outcome: ConsulAgentServices.Outcome, now: ContinuousClock.Instant
    ) {
        if case .find = action { return finishFind(outcome, now) }
        guard let id = action.id, var entry = entries[id], entry.action == action else { return }
        entry.action = nil
        if !action.isReport {
            sequence += 1
            entry.written = sequence
        }
        switch outcome {
        case .failed(let failure):
            refuse(&entry, id, failure, now)
            entries[id] = entry
        case .done, .unknown:
            answer()
            entry.failures = 0
            entry.failure = nil
            entry.retryAt = nil
            finish(action, isKnown: outcome == .done, &entry, id, now)
            entries[id] = entry
            drop(id)
        }
    }

    private mutating func finish(
        _ action: Action, isKnown: Bool, _ entry: inout Entry, _ id: String,
        _ now: ContinuousClock.Instant
    ) {
        switch action {
        case .list, .find: break
        case .register(let service, _):
            // A check that the agent had already keeps its state, so it is told again.
            entry.reported = nil
            if entry.held == nil, let check = service.checks.last, let status = check.status,
                check.id == entry.wanted?.report?.check
            {
                entry.reported = (status, renewal(id, now))
            }
            let cause: RegistrarNews.Cause =
                entry.held.map { $0.isAdopted ? .adopted : .changed }
                ?? (entry.wasHeld ? .forgotten : .new)
            entry.wasHeld = true
            entry.held = Held(
                fingerprint: service.meta[RegistrarOptions.fingerprintKey], name: service.name,
                container: service.meta[RegistrarOptions.containerKey],
                isInMaintenance: entry.held?.isInMaintenance ?? false)
            if let wanted = entry.wanted { news.append(.registered(wanted, cause)) }
        case .report(let report, _):
            guard isKnown else {
                // The agent has lost the check, and most likely all of it.
                listAt = now
                entry.held?.fingerprint = nil
                return
            }
            if let last = entry.reported?.status ?? entry.states[report.check],
                last != report.status, let wanted = entry.wanted
            {
                news.append(.reported(wanted))
            }
            entry.states[report.check] = report.status
            entry.reported = (report.status, renewal(id, now))
        case .deregister:
            let name = entry.held?.name ?? ""
            let cause = entry.held?.container.map(absence) ?? absence("")
            entry.held = nil
            entry.reported = nil
            entry.wasHeld = false
            entry.states = [:]
            news.append(.deregistered(id: id, name: name, cause: cause))
        }
    }

    private mutating func finishFind(
        _ outcome: ConsulAgentServices.Outcome, _ now: ContinuousClock.Instant
    ) {
        finding = nil
        findAt = now + Self.findInterval
        switch outcome {
        case .done: answer()
        case .unknown: listAt = now
        case .failed(let failure) where failure.isOfAgent: failAgent(failure, now)
        case .failed(let failure) where failure.kind == .serverError: listAt = now
        // The token may not read it: then lists alone tell.
        case .failed: break
        }
    }

    /// When a report is to be renewed: those of many services not all at a time.
    private func renewal(
        _ id: String, _ now: ContinuousClock.Instant
    ) -> ContinuousClock.Instant {
        let spread = id.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % 26
        return now + options.policy.reportInterval * (75 + spread) / 100
    }

    private mutating func refuse(
        _ entry: inout Entry, _ id: String, _ failure: ConsulFailure,
        _ now: ContinuousClock.Instant
    ) {
        // What could not be asked at all was not refused.
        if failure.isOfAgent { return failAgent(failure, now) }
        if case .status(500..., _) = failure.reason { listAt = now }
        if entry.failure?.reason != failure.reason {
            let name = entry.wanted?.service.name ?? entry.held?.name ?? ""
            news.append(.refused(id: id, name: name, failure))
        }
        entry.failure = failure
        entry.retryAt =
            now + min(Self.refusalWaitMin * (1 << min(entry.failures, 8)), Self.refusalWaitMax)
        entry.failures += 1
    }

    private mutating func failAgent(_ failure: ConsulFailure, _ now: ContinuousClock.Instant) {
        // Those that fail together are one failure.
        if agentFailure == nil || listAt <= now {
            let wait = min(Self.agentWaitMin * (1 << min(agentFailures, 8)), Self.agentWaitMax)
            agentFailures += 1
            listAt = now + wait
        }
        if agentFailure?.reason != failure.reason { news.append(.agentFailed(failure)) }
        agentFailure = failure
    }

    private mutating func answer() {
        agentFailures = 0
        guard agentFailure != nil, listing == nil else { return }
        agentFailure = nil
        news.append(.agentAnswers)
    }

    // MARK: The list

    private mutating func apply(
        _ holdings: AgentHoldings, _ asked: UInt64, _ now: ContinuousClock.Instant
    ) {
        let before = entries.all.values.filter { $0.held != nil }.count
        var forgotten = 0
        for id in entries.all.keys where holdings.services[id] == nil {
            guard var entry = entries[id], isOlder(entry, asked) else { continue }
            if entry.held != nil { forgotten += 1 }
            entry.held = nil
            entry.reported = nil
            entry.isForeign = false
            entries[id] = entry
        }
        foreign = []
        for (id, service) in holdings.services { apply(id, service, asked, now) }
        if forgotten > 0 { news.append(.forgotten(forgotten, of: before)) }
        for id in Array(entries.all.keys) { drop(id) }
    }

    /// Whether nothing was written of it since a list was asked for.
    private func isOlder(_ entry: Entry, _ asked: UInt64) -> Bool {
        entry.action?.isReport ?? true && entry.written <= asked
    }

    private mutating func apply(
        _ id: String, _ service: AgentHoldings.Service, _ asked: UInt64,
        _ now: ContinuousClock.Instant
    ) {
        var entry = entries[id] ?? Entry()
        guard isOlder(entry, asked) else { return }
        let owner = service.meta[RegistrarOptions.ownerKey]
        let isAdopted = owner == nil && options.policy.adoptsRegistrator && isRegistrators(id)
        guard owner == options.node || isAdopted else {
            foreign.insert(id)
            let isNew = !entry.isForeign
            entry.held = nil
            entry.isForeign = true
            // Others are of no interest unless we want that id.
            guard let wanted = entry.wanted else { return }
            if isNew { news.append(.conflict(wanted)) }
            entries[id] = entry
            return
        }
        entry.isForeign = false
        entry.wasHeld = true
        entry.states.merge(service.checks) { $1 }
        var held = Held(
            fingerprint: isAdopted ? nil : service.meta[RegistrarOptions.fingerprintKey],
            name: service.name, container: service.meta[RegistrarOptions.containerKey],
            isInMaintenance: service.checks.keys.contains {
                $0.hasPrefix("_service_maintenance:")
            }, isAdopted: isAdopted)
        if let wanted = entry.wanted, !wanted.isHeld(as: service) { held.fingerprint = nil }
        entry.held = held
        if let report = entry.wanted?.report {
            let state = service.checks[report.check]
            // The agent may have let an old report run out.
            if let state, state != entry.reported?.status { entry.reported = (state, now) }
        }
        entries[id] = entry
    }

    /// Whether `id` has the form that a Registrator of this machine gives: `NODE:CONTAINER:PORT`.
    private func isRegistrators(_ id: String) -> Bool {
        var parts = id.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 4, parts[3] == "udp" { parts.removeLast() }
        return parts.count == 3 && parts[0] == options.node && !parts[1].isEmpty
            && UInt16(parts[2]) != nil
    }
}

extension ContainerRegistration {
    /// Whether what an agent holds is still what was registered.
    fileprivate func isHeld(as held: AgentHoldings.Service) -> Bool {
        held.name == service.name && held.port == Int(service.port)
            && held.address == service.address ?? "" && held.tags.sorted() == service.tags.sorted()
            && service.checks.allSatisfy { check in
                check.id.map { held.checks[$0] != nil } ?? true
            }
    }
}

extension ConsulFailure {
    /// Whether it says something of the agent, and nothing of the service that was asked about.
    fileprivate var isOfAgent: Bool {
        switch reason {
        case .unreachable, .tls, .timeout, .status(429, _): true
        case .status, .malformed, .hidden, .leaderless, .at: false
        }
    }
}
