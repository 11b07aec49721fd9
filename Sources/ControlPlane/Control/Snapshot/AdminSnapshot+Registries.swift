// AdminSnapshot+Registries: what the admin port shows of nameservers and agents, in words.

internal import Admin
internal import Backends
internal import Consul
internal import Containers
internal import DNSClient
internal import DNSWire
internal import Docker
internal import DockerAPI
internal import Endpoints

extension AdminSnapshot.Registry {
    /// A nameserver.
    init(_ server: ServerStatus, _ clock: DisplayClock) {
        let health = server.health
        let isWell =
            switch health.state {
            case .untried, .working: true
            case .failing, .away: false
            }
        self.init(
            kind: "nameserver", address: "\(server.endpoint)", isWell: isWell,
            sentence: ([Self.sentence(health, clock)] + Self.habits(server))
                .joined(separator: "; "))
        answers = server.counters.answers
        malformed = server.counters[.malformed] + server.counters[.mismatched]
        if let last = server.lastMalformed {
            lastMalformed = "\(last.what)"
            lastMalformedAt = clock.wall(last.at)
        }
    }

    /// How the server is asked differently from others, and why.
    private static func habits(_ server: ServerStatus) -> [String] {
        var habits: [String] = []
        if server.keepsCase == false {
            habits.append("asked as spelled, since it changes the case of letters")
        } else if server.ignoresCase == false {
            habits.append("asked as spelled, since it denies names in another case of letters")
        }
        if let failure = server.ednsFailure {
            habits.append("asked without EDNS, since \(failure) with it")
        }
        return habits
    }

    private static func sentence(_ health: ServerHealth, _ clock: DisplayClock) -> String {
        switch health.state {
        case .untried: return "not asked yet"
        case .working:
            guard let roundTrip = health.roundTrip else { return "answers" }
            let microseconds = roundTrip / .microseconds(1)
            return "answers within \((microseconds / 100).rounded() / 10) ms"
        case .failing, .away:
            let last = health.lastFailure.map { "\($0.what)" } ?? "no answer"
            return "\(last), \(health.failuresInARow) times in a row"
        }
    }

    /// A Consul agent.
    init(_ agent: ConsulAgentStatus, _ clock: DisplayClock) {
        let last = agent.lastFailure.map(\.text) ?? "no answer"
        self.init(
            kind: "Consul agent", address: "\(agent.place)", isWell: agent.isAvailable,
            sentence: agent.isAvailable ? "answers" : last)
        answers["good"] = Int(agent.answers)
        for (kind, count) in agent.failures { answers[kind.rawValue] = Int(count) }
        answers["without_leader"] = Int(agent.answersWithoutLeader)
        answers["filtered"] = Int(agent.answersFiltered)
        malformed = Int(agent.malformedJSON)
        if let last = agent.lastMalformedJSON {
            lastMalformed = last.text
            lastMalformedAt = clock.wall(last.at)
        }
    }

    /// Docker's engine.
    init(_ watch: DockerWatch) {
        self.init(
            kind: "Docker engine",
            address: (watch.options.tls == nil ? "" : "https://") + "\(watch.options.place)",
            isWell: watch.failure == nil, sentence: Self.sentence(watch))
        answers["good"] = Int(watch.answers)
        answers["streams"] = Int(watch.streams)
        answers["events"] = Int(watch.events.read)
        for (kind, count) in watch.failures { answers[kind.rawValue] = Int(count) }
        malformed = Int(watch.events.malformed)
    }

    private static func sentence(_ watch: DockerWatch) -> String {
        if let failure = watch.failure { return "\(failure)" }
        guard let engine = watch.engine, let version = engine.common else {
            return "has not answered yet"
        }
        // Where a name leads to; an address says that itself.
        let found = watch.options.place.name.flatMap { _ in watch.target.map { "at \($0), " } }
        return (found ?? "")
            + "\(engine.isPodman ? "Podman" : "Docker") \(engine.engine), API \(version), "
            + "\(watch.inventory.containers.count) containers"
    }
}
