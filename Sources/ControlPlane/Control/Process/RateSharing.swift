// RateSharing: has limits with `share: on` divided among the processes that are registered in
// Consul under the name of this one, and are well there. Consul is followed while the running
// configuration has such a limit. What is believed of its lists is ShareCount's to say.

internal import Admin
internal import Backends
internal import Configuration
internal import Consul
internal import Events
internal import RateLimits
internal import Traffic
internal import Wording

/// How many processes have limits together. Control thread only.
final class RateSharing {
    /// The id under which this process is registered.
    private let own: String
    private let members: ConsulMembers
    private let shares: RateShares
    private let journal: Journal
    private let log: () -> Log
    private var believed = ShareCount()
    /// Whether the configuration has a shared limit.
    private var isFollowing = false
    /// Why the list can't be had or believed; nil while it can.
    private var problem: String?
    private var timer: Timer?

    /// Divides the limits that go by `shares` among those that are registered as `service` is;
    /// asks nothing before `follow`.
    init(
        _ service: ConsulRegistration.Service, _ agents: ConsulAgents, _ journal: Journal,
        on loop: EventLoop, log: @escaping () -> Log, shares: RateShares = .ofProcess
    ) {
        own = service.id
        members = ConsulMembers(service.name, agents: agents)
        self.shares = shares
        self.journal = journal
        self.log = log
        timer = Timer(on: loop) { [unowned self] in look() }
    }

    /// Follows Consul for as long as `configuration` has a shared limit.
    func follow(_ configuration: Configuration) {
        guard configuration.sharesRates != isFollowing else { return }
        isFollowing = configuration.sharesRates
        if isFollowing {
            members.start { [unowned self] in handle($0) }
        } else {
            stop()
        }
    }

    /// Asks no more; limits stay divided as they are.
    func stop() {
        isFollowing = false
        members.stop()
        timer?.cancel()
    }

    /// What the admin port shows of it; nil where no limit is shared.
    var shown: ShownRateShares? {
        guard isFollowing else { return nil }
        return ShownRateShares(
            place: members.summary, count: shares.count, problem: problem.map { "\($0); \(effect)" }
        )
    }

    private func spoken(_ count: Int) -> String {
        counted(count, "process", plural: "processes")
    }

    private var effect: String {
        "limits with share: on stay divided among \(spoken(shares.count))"
    }

    private func handle(_ answer: Result<[String], ConsulFailure>) {
        switch answer {
        case .success(let ids):
            let isBelieved = believed.listed(
                ids.count, hasOwn: ids.contains(own), now: .now)
            settle()
            if isBelieved {
                recover()
            } else {
                fail("it lists nobody that passes its checks, not even this process")
            }
        case .failure(let failure):
            believed.unknown(now: .now)
            settle()
            fail("\(failure)")
        }
    }

    private func look() {
        believed.look(now: .now)
        settle()
    }

    /// Divides limits by what is believed.
    private func settle() {
        if let next = believed.nextLook {
            timer?.schedule(after: max(.zero, ContinuousClock.now.duration(to: next)))
        } else {
            timer?.cancel()
        }
        let before = shares.count
        guard believed.count != before else { return }
        shares.set(believed.count)
        journal.write(
            note: "limits with share: on are divided among \(spoken(believed.count)) "
                + "(\(members.summary)), \(before) before", at: .now)
        log().write(
            .info, "rates.shared",
            ["by": members.summary, "shares": "\(believed.count)", "before": "\(before)"])
    }

    private func fail(_ cause: String) {
        let isNew = problem == nil
        problem = cause
        guard isNew else { return }
        journal.write(note: "\(members.summary): \(cause); \(effect)", at: .now)
        log().write(
            .warning, "rates.share_failed",
            ["by": members.summary, "cause": cause, "effect": effect])
    }

    private func recover() {
        guard problem != nil else { return }
        problem = nil
        journal.write(note: "\(members.summary): the list is known again", at: .now)
        log().write(.info, "rates.share_recovered", ["by": members.summary])
    }
}

extension Configuration {
    /// Whether a listener or a route has a limit that it shares with other processes.
    fileprivate var sharesRates: Bool {
        listeners.contains { listener in
            (listener.policy.rates + listener.routes.flatMap(\.rates)).contains(where: \.isShared)
        }
    }
}
