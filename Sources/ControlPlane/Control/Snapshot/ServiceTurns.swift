// ServiceTurns: what keeps requests from some backends of a service, for the admin port.

internal import Admin
internal import Backends
internal import Balancing
internal import Configuration
internal import Traffic

/// What the backends of one service have in common that keeps requests from some of them.
struct ServiceTurns {
    private let service: ServiceControl
    private let isRefusing: Bool
    private let limit: (ofWorker: Int, ofAll: Int)?
    /// Each member's share of the turns of its tier, 0 to 1, and whether others there have
    /// more.
    private var shares: [BackendID: (part: Double, isLessThanOthers: Bool)] = [:]

    /// The present state of `service`, whose limits this many workers share.
    init(_ service: ServiceControl, workers: Int) {
        self.service = service
        isRefusing = service.roster.emergency?.mode == .failingFast
        limit = service.settings.policy.limits.backendRequestsMax.map {
            (max(1, ($0 + workers - 1) / workers), $0)
        }
        for tier in service.roster.rotation.tiers {
            let sum = tier.reduce(0) { $0 + Double($1.weight) }
            let most = tier.reduce(0) { max($0, $1.weight) }
            for member in tier {
                shares[member.id] = (Double(member.weight) / sum, member.weight < most)
            }
        }
    }

    /// What is known about `backend`.
    func facts(
        of backend: Backend, _ watch: TurnWatch, _ clock: DisplayClock
    ) -> WithoutTurn.Facts {
        var facts = WithoutTurn.Facts()
        facts.wait = watch.wait(of: backend.id.rawValue, ofService: service.id.index).map {
            .init(
                since: clock.wall($0.since), receivedAt: clock.wall($0.receivedAt),
                elsewhere: $0.elsewhere)
        }
        facts.limit = limit
        if let share = shares[backend.id] {
            facts.share = share.part
            facts.isWeightless = backend.weight == 0 && share.isLessThanOthers
        }
        facts.balance = service.settings.policy.balancing.policy.rawValue
        facts.isRefusing = isRefusing
        facts.returnsIn = service.roster.returnsAt(place: backend.place).map {
            Int(max(.zero, ContinuousClock.now.duration(to: $0)).components.seconds) + 1
        }
        return facts
    }
}
