// DockerFeed: makes the running configuration follow the labels of containers.
//
// A route whose container is no more stays for a while: whoever replaces one container by another
// removes the first before the second is there, and requests meanwhile are to wait, and not to be
// told that there is no such site.
//
// Labels are read at once, and then not again for a while: where containers come and go by the
// hundred, all that happens meanwhile is read together. They are not read again when nothing has
// changed but what has no say in routes, as health and addresses.

internal import Configuration
internal import Containers
internal import Docker
internal import Documents
internal import Events

/// The feed of one engine. Control thread only.
final class DockerFeed {
    /// What is watched, and what came of it.
    private(set) var feed = Feed(summary: "Docker's labels")
    private let watch: DockerWatch
    private let live: LiveConfiguration
    private let log: () -> Log
    private var timer: Timer?
    private var leaving = LeavingFragments()
    /// What each container claims, by its id.
    private var claims: [String: RouteClaim] = [:]
    /// Entries of the engine's list that were left out when labels were read last.
    private var problems: [String] = []
    /// When labels may be read again; nil before they were read.
    private var restsUntil: ContinuousClock.Instant?
    private var restTimer: Timer?

    private static let name = "docker"
    /// How long labels are not read again, at least, and what each container adds to it, so that
    /// many of them take no larger part of the thread than few.
    private static let restMin = Duration.milliseconds(200)
    private static let restPerContainer = Duration.microseconds(200)

    /// A feed of `live`; nothing is asked before `start`.
    init(
        _ watch: DockerWatch, live: LiveConfiguration, on loop: EventLoop,
        log: @escaping () -> Log
    ) {
        self.watch = watch
        self.live = live
        self.log = log
        timer = Timer(on: loop) { [unowned self] in publish(now: .now) }
        restTimer = Timer(on: loop) { [unowned self] in look() }
    }

    /// Begins to follow.
    func start() {
        watch.add(self) { [unowned self] changes in
            if isConcerned(by: changes) { lookSoon() }
        }
    }

    /// Follows no more; what was said last stays.
    func stop() {
        timer?.cancel()
        restTimer?.cancel()
        watch.remove(self)
    }

    /// Brings `claims` up to date; whether routes may be different from the last.
    private func isConcerned(by changes: DockerWatch.Changes) -> Bool {
        let containers = watch.inventory.containers
        switch changes {
        case .all:
            claims = containers.compactMapValues(RouteClaim.init)
            return true
        case .containers(let changes):
            var isConcerned = watch.inventory.problems != problems
            for id in changes.ids {
                let claim = containers[id].flatMap(RouteClaim.init)
                guard claim != claims[id] else { continue }
                claims[id] = claim
                isConcerned = true
            }
            return isConcerned
        }
    }

    private func lookSoon() {
        guard restTimer?.isScheduled != true else { return }
        let now = ContinuousClock.now
        guard let restsUntil, restsUntil > now else { return look() }
        restTimer?.schedule(after: restsUntil - now)
    }

    private func look() {
        restsUntil = .now + max(Self.restMin, Self.restPerContainer * claims.count)
        if let failure = watch.failure { return fail("\(failure)") }
        problems = watch.inventory.problems
        let routes = DockerRoutes(claims.values, problems: problems)
        if feed.failure != nil {
            log().write(.info, "docker.feed_recovered", ["feed": feed.summary])
        }
        for problem in routes.problems where !feed.problems.contains(problem) {
            log().write(.warning, "docker.label_refused", ["what": problem])
        }
        feed.lastGoodAt = .now
        feed.failure = nil
        feed.problems = routes.problems
        leaving.update(routes.fragments, now: .now)
        publish(now: .now)
    }

    private func publish(now: ContinuousClock.Instant) {
        live.set(leaving.fragments(now: now), from: Self.name)
        if let deadline = leaving.nextDeadline { timer?.schedule(after: deadline - now) }
    }

    private func fail(_ failure: String) {
        if feed.failure == nil {
            log().write(
                .warning, "docker.feed_failed",
                [
                    "feed": feed.summary, "cause": failure,
                    "effect": "routes and backends stay as they are",
                ])
        }
        feed.failure = failure
    }
}

/// Fragments, and for a while those that are not there any more. Value type.
struct LeavingFragments {
    /// How long a fragment stays that nothing asks for any more.
    static let hold = Duration.seconds(30)

    private var current: [ConfigurationFragment] = []
    private var left: [(fragment: ConfigurationFragment, until: ContinuousClock.Instant)] = []

    /// Makes `new` all that is asked for.
    mutating func update(_ new: [ConfigurationFragment], now: ContinuousClock.Instant) {
        let names = Set(new.map(\.document.name))
        let gone = current.filter { !names.contains($0.document.name) }
        left.removeAll { names.contains($0.fragment.document.name) }
        left += gone.map { ($0, now + Self.hold) }
        current = new
    }

    /// What is to be read now: what is asked for, and what has not been gone for long.
    mutating func fragments(now: ContinuousClock.Instant) -> [ConfigurationFragment] {
        left.removeAll { $0.until <= now }
        return current + left.map(\.fragment)
    }

    /// When something is gone for long enough; nil for never.
    var nextDeadline: ContinuousClock.Instant? { left.map(\.until).min() }
}
