// How the requests of a service are spread over its backends, limited and tried again.

extension Service {
    /// How a backend is chosen.
    package enum Balance: String, CaseIterable, Equatable, Sendable {
        /// In turns, by weight.
        case roundRobin = "round-robin"
        /// Of two at random the one with less in flight.
        case randomOfTwo = "random-of-two"
        /// The one with the least in flight for its weight.
        case leastConnections = "least-connections"
        /// Of two at random the one that is likely to answer sooner.
        case leastTime = "least-time"
        /// The one that a hash of the request stands for, as long as it has not far too much.
        case consistentHash = "consistent-hash"
        /// The first that has room; needs a limit per backend.
        case firstFit = "first-fit"
    }

    /// What a consistent hash is made of.
    package enum HashBy: Hashable, Sendable {
        /// The client's address.
        case client
        /// The path, without query; HTTP only.
        case path
        /// The value of a field; requests without it are spread. HTTP only.
        case header(String)
        /// The value of a cookie; requests without it are spread. HTTP only.
        case cookie(String)
    }

    /// Whether a client stays with the backend that answered it first.
    package struct Sticky: Equatable, Sendable {
        /// The cookie that remembers; nil for none.
        package internal(set) var cookie: String?
        /// Makes it impossible to tell from the cookie which backend it is; the same in every
        /// Fairlead that shares the clients.
        package internal(set) var secret: String?
    }

    /// How much a service is given to do, over all workers; nil is no limit.
    package struct Limits: Equatable, Sendable {
        /// Requests in flight, or TCP connections, on one backend.
        package internal(set) var backendRequests: Int?
        /// The same on all of it.
        package internal(set) var requests: Int?
        /// Requests that wait when these are reached.
        package internal(set) var queue = 100
        /// How long one waits. Short, since a client that waits long asks again.
        package internal(set) var queueWait = Duration.seconds(1)
    }

    /// When a request is tried again on another backend.
    package struct Retry: Equatable, Sendable {
        /// Tries in all, the first included, 1 to 8; 1 means no retry.
        package internal(set) var attempts = 3
        /// After which failures.
        package internal(set) var on: [RetryCondition] = [
            .connect, .reset, .silence, .status(500), .status(502), .status(503), .status(504),
        ]
        /// Retries allowed, as a percentage of the requests.
        package internal(set) var budgetPercent = 20
        /// Retries per second that are allowed whatever the budget: at a few requests per second a
        /// percentage alone would forbid the one retry that saves a request.
        package internal(set) var budgetFloor = 10
        /// The pause before the third try; each further one is twice as long, half of it by chance.
        package internal(set) var backOff = Duration.milliseconds(25)
        /// The longest pause.
        package internal(set) var backOffMax = Duration.milliseconds(250)
        /// After this without the head of a response, a GET, HEAD or OPTIONS is sent to another
        /// backend as well, and the first answer counts; nil: never.
        package internal(set) var hedge: Duration?
        /// Whether a response has X-Fairlead-Attempts, the number of tries that it took.
        package internal(set) var attemptsHeader = Switch.off
    }

    /// Which backends are preferred for where they are.
    package struct Zone: Equatable, Sendable {
        /// The name of the zone where this process is; nil for no preference.
        package internal(set) var prefer: String?
        /// The key of an instance's metadata that names its zone.
        package internal(set) var key = "zone"
    }

    /// What becomes of streams to a backend that is evicted.
    package enum WhenDown: String, CaseIterable, Equatable, Sendable {
        /// They go on: a check may err, and what moves does not lie.
        case keep
        /// They end, so that clients come back to another one.
        case end
    }

    /// What happens when no backend is up.
    package enum WhenNoneUp: String, CaseIterable, Equatable, Sendable {
        /// As long as live requests succeed, those that only checks or the registry speak against
        /// are used; else 503.
        case evidence
        /// Those that only checks or the registry speak against are used, whatever comes of it.
        case always
        /// 503.
        case never
    }
}

/// After what a request is tried again.
package enum RetryCondition: Hashable, Sendable {
    /// No connection could be made.
    case connect
    /// The connection broke before an answer.
    case reset
    /// The backend was silent while others answered.
    case silence
    /// No answer in time.
    case timeout
    /// An answer with this status, 400 to 599.
    case status(Int)
}
