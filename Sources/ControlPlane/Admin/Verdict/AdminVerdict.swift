// AdminVerdict: what is wrong, in words, for an operator who was just woken up. The page, the JSON
// documents and /health/ready all use it, so that they can't disagree.

internal import Backends
internal import Traffic

/// What is wrong in a snapshot. Value type, any thread.
package struct AdminVerdict: Sendable, Equatable {
    /// How bad something is, the worst last.
    package enum Level: String, Sendable, Comparable, CaseIterable {
        /// All is well: everything that discovery names gets requests, or could.
        case good
        /// Requests are served, by fewer backends than there should be.
        case warning
        /// Requests fail.
        case failing

        /// Orders levels from good to bad.
        package static func < (left: Level, right: Level) -> Bool {
            left.rank < right.rank
        }

        private var rank: Int {
            switch self {
            case .good: 0
            case .warning: 1
            case .failing: 2
            }
        }
    }

    /// One thing that is wrong.
    package struct Problem: Sendable, Equatable {
        /// How bad it is; never `good`.
        package let level: Level
        /// A sentence that names the service and the cause.
        package let text: String
        /// Whether it keeps the process from being ready.
        package var blocksReadiness: Bool
        /// Whether it keeps the process from being ready where every service has to be served.
        package var blocksEvery = false

        /// This problem as something that fails no client's request.
        fileprivate var asWarning: Problem {
            Problem(level: .warning, text: text, blocksReadiness: false)
        }
    }

    /// The most backends of a service that are named one by one when they are out.
    package static let backendsNamedMax = 4

    /// The problems, the worst first; empty when there are none.
    package let problems: [Problem]

    /// The worst level of any problem.
    package var level: Level { problems.map(\.level).max() ?? .good }

    /// Whether load balancers in front should send requests here: not draining, and at least one
    /// service of a listener is served. While some services are not served, requests to them fare
    /// no better elsewhere, since all Fairleads have the same backends; and a load balancer that
    /// leaves this one would cut off the services that are served.
    package var isReady: Bool { !problems.contains(where: \.blocksReadiness) }

    /// Whether it is ready, and every service of a listener is served.
    package var isReadyForEvery: Bool {
        !problems.contains { $0.blocksReadiness || $0.blocksEvery }
    }

    /// Judges `snapshot`.
    package init(_ snapshot: AdminSnapshot) {
        var problems: [Problem] = []
        if snapshot.isDraining {
            problems.append(
                Problem(
                    level: .warning,
                    text:
                        "Fairlead is stopping: it finishes what is in flight and takes on nothing.",
                    blocksReadiness: true))
        }
        for shortage in snapshot.shortages {
            guard let since = shortage.since else { continue }
            // Each such call was a request, a client or a check that failed, or had to wait.
            let what = shortage.what.prefix(1).uppercased() + shortage.what.dropFirst()
            problems.append(
                Problem(
                    level: .failing,
                    text: "\(what), for \(AgeText(snapshot.takenAt - since)): \(shortage.advice).",
                    blocksReadiness: false))
        }
        for service in snapshot.services {
            let isMirror = Self.getsCopiesAlone(service, in: snapshot)
            // What becomes of copies is no client's trouble.
            problems += Self.trafficProblems(of: service).map { isMirror ? $0.asWarning : $0 }
            problems += Self.problems(of: service, in: snapshot)
        }
        for listener in snapshot.listeners { problems += Self.trafficProblems(of: listener) }
        problems += Self.unverified(snapshot.services)
        problems += Self.problems(of: snapshot.certificates, at: snapshot.takenAt)
        if let keys = snapshot.ticketKeys, let problem = keys.problem {
            problems.append(
                Problem(
                    level: .warning, text: "Ticket keys (\(keys.place)): \(problem).",
                    blocksReadiness: false))
        }
        if let shares = snapshot.rateShares, let problem = shares.problem {
            problems.append(
                Problem(
                    level: .warning, text: "Shared limits (\(shares.place)): \(problem).",
                    blocksReadiness: false))
        }
        if let refusal = snapshot.reloads?.refusal {
            problems.append(
                Self.refused(
                    "A reload", "what ran before runs on", refusal, at: snapshot.takenAt))
        }
        if let following = snapshot.following {
            problems += Self.problems(of: following, at: snapshot.takenAt)
        }
        for registry in snapshot.registries where !registry.isWell {
            problems.append(
                Problem(
                    level: .warning,
                    text: "\(registry.kind) \(registry.address): \(registry.sentence).",
                    blocksReadiness: false))
        }
        if !Self.servesAny(snapshot) {
            for index in problems.indices where problems[index].blocksEvery {
                problems[index].blocksReadiness = true
            }
        }
        // Stable: within a level the order is that of the configuration.
        self.problems = Level.allCases.reversed().flatMap { level in
            problems.filter { $0.level == level }
        }
    }

    // MARK: - Readiness

    /// How long a new process waits to know the state of every service before it calls itself ready
    /// for the ones that are served: enough for a lookup with three tries and the first checks.
    static let startSeconds = 10.0

    /// Whether a service of a listener is served; in the first seconds of the process, only once
    /// the state of all others is known as well. A successor has its predecessor's requests from
    /// the first moment on, and to go elsewhere until it knows all states would help nobody.
    private static func servesAny(_ snapshot: AdminSnapshot) -> Bool {
        let used = Set(snapshot.listeners.flatMap(\.services))
        let services = snapshot.services.filter { used.contains($0.name) }
        if snapshot.uptimeSeconds < startSeconds, services.contains(where: isPending) {
            return snapshot.isSuccessor
        }
        return services.isEmpty || services.contains(where: isServed)
    }

    /// Whether requests get to a backend that serves them: to one that is up, or, while none is, to
    /// backends that only checks or the registry speak against, as long as live requests contradict
    /// these.
    private static func isServed(_ service: AdminSnapshot.Service) -> Bool {
        service.emergency?.isServed ?? (service.counts.proven > 0)
    }

    /// Whether discovery has neither answered nor failed, or the backends that it named are unknown
    /// so far.
    private static func isPending(_ service: AdminSnapshot.Service) -> Bool {
        let counts = service.counts
        guard counts.all == 0 else { return counts.pending == counts.all }
        return service.sources.allSatisfy { $0.lastGoodAt == nil && $0.lastFailureAt == nil }
    }

    /// The state of everything in one sentence.
    package var sentence: String {
        let count = problems.count
        switch level {
        case .good: return "All services are well."
        case .warning:
            return "Requests are served, but "
                + (count == 1 ? "one thing needs a look." : "\(count) things need a look.")
        case .failing:
            return "Requests are failing: "
                + (count == 1 ? "one thing is wrong." : "\(count) things are wrong.")
        }
    }

    /// Whether a service gets copies of requests, and no requests of clients.
    private static func getsCopiesAlone(
        _ service: AdminSnapshot.Service, in snapshot: AdminSnapshot
    ) -> Bool {
        snapshot.listeners.contains { $0.mirrors.contains(service.name) }
            && !snapshot.listeners.contains { $0.services.contains(service.name) }
    }

    private static func problems(
        of service: AdminSnapshot.Service, in snapshot: AdminSnapshot
    ) -> [Problem] {
        var problems: [Problem] = []
        let listeners = snapshot.listeners.filter { $0.services.contains(service.name) }
        let counts = service.counts
        if let emergency = service.emergency, !emergency.isRefusing, counts.inRotation > 0 {
            // While requests are served, a load balancer has no reason to leave.
            let isAgainst = !emergency.isServed && !listeners.isEmpty
            problems.append(
                Problem(
                    level: isAgainst ? .failing : .warning,
                    text: "\(service.name): no backend has been up for "
                        + "\(AgeText(snapshot.takenAt - emergency.since)); requests go to "
                        + "\(counts.inRotation) of \(counts.all) that only checks or the registry "
                        + "speak against"
                        + (emergency.isServed ? "." : ", and none has had a good answer lately."),
                    blocksReadiness: false, blocksEvery: isAgainst))
        } else if !isServed(service) {
            let places = listeners.map { "\($0.endpoint)" }.joined(separator: ", ")
            let effect =
                listeners.isEmpty
                ? getsCopiesAlone(service, in: snapshot)
                    ? "copies of requests get to none" : "nothing listens for it"
                : service.mode != .http
                    ? "connections to \(places) are refused"
                    : service.emptyWait.map { "requests to \(places) wait for one, up to \($0)" }
                        ?? "clients of \(places) get 503"
            problems.append(
                Problem(
                    level: listeners.isEmpty ? .warning : .failing,
                    text: "\(service.name): no backend is in the rotation (\(emptiness(service))); "
                        + "\(effect).",
                    blocksReadiness: false, blocksEvery: !listeners.isEmpty))
        }
        problems += service.leftOut.prefix(backendsNamedMax).map {
            Problem(level: .warning, text: "\(service.name): \($0).", blocksReadiness: false)
        }
        problems += discoveryProblems(of: service, at: snapshot.takenAt)
        return problems + backendProblems(of: service, at: snapshot.takenAt)
    }

    private static func problems(
        of following: AdminSnapshot.Following, at now: Double
    ) -> [Problem] {
        var problems: [Problem] = []
        if let refusal = following.refusal {
            let feeds = following.feeds.map(\.summary).joined(separator: " and ")
            problems.append(
                Self.refused(
                    "The configuration from \(feeds)", "the last good one is in force", refusal,
                    at: now))
        }
        for feed in following.feeds {
            if let failure = feed.failure {
                let what =
                    feed.lastGoodAt == nil
                    ? "nothing is known of it yet" : "what it said last holds"
                problems.append(
                    Problem(
                        level: .warning, text: "\(feed.summary) fails: \(failure); \(what).",
                        blocksReadiness: feed.lastGoodAt == nil))
            } else if feed.lastGoodAt == nil {
                problems.append(
                    Problem(
                        level: .warning, text: "\(feed.summary) has not answered yet.",
                        blocksReadiness: true))
            }
            problems += feed.problems.prefix(4).map {
                Problem(level: .warning, text: "Left out: \($0).", blocksReadiness: false)
            }
        }
        return problems
    }

    private static func refused(
        _ what: String, _ effect: String, _ refusal: (at: Double, reasons: [String]),
        at now: Double
    ) -> Problem {
        let more = refusal.reasons.count > 1 ? " (and \(refusal.reasons.count - 1) more)" : ""
        return Problem(
            level: .warning,
            text: "\(what) was refused \(AgeText(now - refusal.at)) ago, \(effect): "
                + "\(refusal.reasons.first ?? "")\(more)",
            blocksReadiness: false)
    }

    private static func emptiness(_ service: AdminSnapshot.Service) -> String {
        let count = service.counts.all
        if service.emergency?.isRefusing == true, count > 1 {
            return "none of \(count) is up, and live requests failed as well"
        }
        if count == 1, let backend = service.backends.first {
            return "there is one, and it is \(backend.state.rawValue)"
        }
        if count > 0 { return "none of \(count) is up" }
        let failures = service.sources.filter(\.isFailing).map(\.lastFailure)
        if !failures.isEmpty { return failures.joined(separator: "; ") }
        return service.sources.contains { $0.lastGoodAt == nil }
            ? "discovery has not answered yet" : "discovery names none"
    }

    private static func discoveryProblems(
        of service: AdminSnapshot.Service, at now: Double
    ) -> [Problem] {
        let failing = service.sources.enumerated().filter { $0.element.isFailing }
        guard !failing.isEmpty else {
            return service.hold.map { hold in
                [
                    Problem(
                        level: .warning, text: "\(service.name): \(hold)", blocksReadiness: false)
                ]
            } ?? []
        }
        return failing.map { place, source in
            let which = service.sources.count == 1 ? "discovery" : source.summary
            var text = "\(service.name): \(which) fails: \(source.lastFailure); "
            if let lastGoodAt = source.lastGoodAt {
                let hasBackends = service.counts.places.contains(place)
                text += "the last good answer is \(AgeText(now - lastGoodAt)) old"
                text += hasBackends ? ", and its backends are kept." : "."
            } else {
                text += "there was no good answer yet."
            }
            return Problem(level: .warning, text: text, blocksReadiness: false)
        }
    }

    /// Names backends that are out one by one as long as they are few.
    private static func backendProblems(
        of service: AdminSnapshot.Service, at now: Double
    ) -> [Problem] {
        let counts = service.counts
        guard counts.out <= Self.backendsNamedMax else {
            return [
                Problem(
                    level: .warning,
                    text: "\(service.name): \(counts.out) of \(counts.all) backends are "
                        + "down or ejected; see the table.", blocksReadiness: false)
            ]
        }
        return service.backends.filter(\.isOut).map {
            Problem(
                level: .warning,
                text: "\(service.name): \($0.endpoint) has been \($0.state.rawValue) for "
                    + "\(AgeText(now - $0.since)): \($0.cause).", blocksReadiness: false)
        }
    }
}
