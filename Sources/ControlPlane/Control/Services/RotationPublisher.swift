// RotationPublisher: publishes a service's rotation to the workers, and keeps counters for the
// backends on its roster. It does so at once while backends are few.

internal import Backends
internal import Events
internal import Proxy
internal import Stats

/// The published rotation of one service. Control thread only.
final class RotationPublisher {
    /// The backends that have counters: those on the roster at the last look.
    private(set) var members: Set<BackendID> = []
    /// Called when backends have come or gone, before the rotation is built.
    var onMembers: () -> Void = {}
    private let roster: Roster
    private let registry: StatsRegistry
    private let workers: ProxyWorkers
    /// The rotation that workers pick from; nil before the first.
    private var published: Rotation?
    /// The roster's membership at the last look; nil before the first.
    private var membership: UInt64?
    /// Nil only during `init`.
    private var pacer: Pacer?

    /// With up to this many backends, each change is published at once.
    private static let pacedCount = 100
    /// With more backends, the least time between two rotations, and what each backend adds to it.
    /// Otherwise thousands of checks would make thousands of rotations of thousands of backends.
    private static let paceMin = Duration.milliseconds(10)
    private static let pacePerBackend = Duration.microseconds(50)

    /// Nothing published yet.
    init(of roster: Roster, in surroundings: ServiceSurroundings) {
        self.roster = roster
        registry = surroundings.registry
        workers = surroundings.workers
        pacer = Pacer(on: surroundings.loop) { [unowned self] in follow() }
    }

    /// The roster has changed: publishes its rotation, now or soon.
    func rosterChanged() { pacer?.ask(every: pace) }

    /// Publishes now what waits, so that what is shown is what is in force.
    func publishNow() { pacer?.doNow() }

    /// Publishes nothing more.
    func stop() { pacer?.cancel() }

    /// Ends the counters of the service and of all its backends.
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
        // After counting the members: a worker needs the counters of the backends that it gets.
        let rotation = roster.rotation
        guard published !== rotation else { return }
        published = rotation
        workers.publish(rotation)
    }

    /// Begins the counters of new backends, and ends those of backends that are gone.
    private func countMembers() {
        let now = roster.ids
        for id in now.subtracting(members) { registry.addBackend(id.rawValue) }
        for id in members.subtracting(now) { registry.removeBackend(id.rawValue) }
        members = now
    }
}
