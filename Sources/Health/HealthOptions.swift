// HealthOptions: what a check of one service's backends does, and how often. How many checks count
// is the roster's business (RosterOptions.checks).

/// How the backends of one service are checked. Value type, any thread.
package struct HealthOptions: Sendable, Equatable {
    /// What a check does.
    package var kind = Kind.tcp
    /// From the start of one check to the start of the next; 1 ms to a day, else the nearer.
    package var interval: Duration = .seconds(2)
    /// How long one check may take; 1 ms to a day, else the nearer.
    package var timeout: Duration = .seconds(1)
    /// By how much of itself the interval varies at random, in percent; 0 to 90, else the nearer.
    package var jitterPercent = 20
    /// Where to connect; nil means the backend's own port.
    package var port: UInt16?

    /// A TCP check every 2 s.
    package init() {}

    /// What a check does.
    package enum Kind: Sendable, Equatable {
        /// Nothing: the service has no checks.
        case off
        /// Connects. What the peer does with the connection does not matter.
        case tcp
        /// Sends a GET and looks at the status.
        case http(HTTP)
    }

    /// The request of an HTTP check, and what passes.
    package struct HTTP: Sendable, Equatable {
        /// Path and query: `/health?full=1`.
        package var path: String
        /// The value of the Host field; nil names the endpoint that is checked.
        package var host: String?
        /// Statuses that pass.
        package var statuses: ClosedRange<Int>

        /// A GET of `path` that passes on 200 to 399.
        package init(
            path: String = "/", host: String? = nil, statuses: ClosedRange<Int> = 200...399
        ) {
            self.path = path
            self.host = host
            self.statuses = statuses
        }
    }

    /// `duration`, or the nearest that a timer can be trusted with: above zero, and so far below
    /// the limits of its type that no sum overflows.
    static func bounded(_ duration: Duration) -> Duration {
        min(max(duration, .milliseconds(1)), .seconds(86_400))
    }
}
