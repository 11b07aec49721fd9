// RouteClaim: what one container says of routes, and all that decides whether it gets them. Between
// two changes of it a container may start, fail its HEALTHCHECK and move as often as it likes.

internal import Containers
internal import DockerAPI

/// The claim of one container. Those that go first are less. Value type.
struct RouteClaim: Equatable, Comparable {
    /// The container's name and id.
    let container: String
    let id: String
    /// Whether its process runs.
    let isAlive: Bool
    /// When it was created, in nanoseconds since 1970.
    let createdAt: Int
    /// What it asks for, and the service that each of its offers is of.
    let wishes: ContainerWishes
    let serviceNames: [String]

    /// The claim of `container`; nil for one that wants no traffic.
    init?(_ container: Container) {
        guard container.wishes.isEnabled != false else { return nil }
        self.container = container.summary.name
        id = container.summary.id
        isAlive = container.summary.state.isAlive
        createdAt = container.summary.createdAt
        wishes = container.wishes
        serviceNames = container.serviceNames
    }

    /// Whether `one` goes first: a container that runs before one that does not, else the older.
    static func < (one: RouteClaim, other: RouteClaim) -> Bool {
        if one.isAlive != other.isAlive { return one.isAlive }
        return (one.createdAt, one.id) < (other.createdAt, other.id)
    }
}
