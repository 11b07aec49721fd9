// RotationPublisher: brings the workers' rotation of one service, and the list of its backends that
// are counted, up to what the roster says: at once while backends are few.

internal import Backends
internal import Events
internal import Proxy
internal import Stats

/// What the workers have of one service. Control thread only.
final class RotationPublisher {
    /// The backends that are counted: those on the roster when it was looked at last.
    private(set) var members: Set<BackendID> = []
    /// Called when backends have come or gone, before the rotation is published.
    var onMembers: () -> Void = {}
    private let roster: Roster
    private let registry: StatsRegistry
    private let workers: ProxyWorkers
    /// What the workers pick from; nil before the first.
    private var published: Rotation?
    /// Whose members are counted; nil before the first look.
    private var membership: UInt64?
    /// Nil only while this is made.
    private var pacer: Pacer?

    /// Up to so many backends, each change is followed at once.
    private static let pacedCount = 100
    /// With more of them the least time between two rotations, and what each backend adds to it:
    /// when thousands are checked one by one, that shall not make thousands of rotations of
    /// thousands.
    private static let paceMin = Duration.milliseconds(10)
    private static let pacePerBackend = Duration.microseconds(50)

    /// Nothing published yet.
    init(of roster: Roster, in surroundings: ServiceSurroundings) {
        self.roster = roster
        registry = surroundings.registry
        workers = surroundings.workers
        pacer = Pacer(on: surroundings.loop) { [unowned self] in follow() }
    }

    /// Follows the roster, now or soon.
    func rosterChanged() { pacer?.ask(every: pace) }

    /// Publishes what waits to be published, so that what is shown is what is in force.
    func publishNow() { pacer?.doNow() }

    /// Publishes nothing more.
    func stop() { pacer?.cancel() }

    /// Ends the series of the service and of all its backends.
    func forget() {
        for backend in members { registry.removeBackend(backend.rawValue) }
        members = []
        registry.removeService(roster.service.index)
    }

    /// The least time between two rotations.
    private var pace: Duration {
        let count = roster.count
        return count < Self.pacedCount ? .zero : max(Self.paceMin, Self.pacePerBackend * count)
    }

    private func follow() {
        if membership != roster.membership {
            membership = roster.membership
            onMembers()
            countMembers()
        }
        // Behind the above: a worker has to find the counters of those that it hears of.
        let rotation = roster.rotation
        guard published !== rotation else { return }
        published = rotation
        workers.publish(rotation)
    }

    /// Begins the series of backends that came, and ends those of backends that are gone.
    private func countMembers() {
        let now = roster.ids
        for id in now.subtracting(members) { registry.addBackend(id.rawValue) }
        for id in members.subtracting(now) { registry.removeBackend(id.rawValue) }
        members = now
    }
}
