// RateRule: how many requests may come, as an operator writes it.

/// A limit of requests. Value type, any thread.
package struct RateRule: Sendable, Hashable {
    /// Which requests have a limit together.
    package enum Scope: Sendable, Hashable {
        /// The requests of one client address; of one /64 where that is IPv6, since a client has a
        /// whole one at least.
        case address
        /// The requests with the same value in the field of this name, in small letters. Those
        /// without it count by their address.
        case field(String)
        /// All requests.
        case all
    }

    /// Which requests have a limit together.
    package var scope: Scope
    /// How many may come in `time`, on average; at least 1.
    package var requests: Int
    /// In how much time; more than none.
    package var time: Duration
    /// How many may come at once; at least 1.
    package var burst: Int
    /// How many clients, or values of the field, are told apart; at least 1.
    package var clients: Int
    /// Whether the processes that are registered under one name have the limit together, so that
    /// each lets through its part.
    package var isShared: Bool

    /// The number of clients that an edge has in a minute on a busy day; their table takes 2 MiB.
    package static let clientsDefault = 65_536

    /// Each part is as its property says.
    package init(
        _ scope: Scope, _ requests: Int, per time: Duration, burst: Int? = nil,
        clients: Int = clientsDefault, isShared: Bool = false
    ) {
        self.scope = scope
        self.requests = requests
        self.time = time
        // A bucket that is as deep as the limit lets through at once what may come in its time.
        self.burst = burst ?? requests
        self.clients = clients
        self.isShared = isShared
    }

    /// Whether each client has a limit of its own.
    package var tellsApart: Bool { scope != .all }

    /// The memory that counting takes once as many clients have come, in bytes.
    package var bytesMax: Int { RateTable.bytes(for: tellsApart ? clients : 1) }
}
