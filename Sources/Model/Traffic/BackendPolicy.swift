// BackendPolicy: how the backends of a service are treated. Each default stands here and nowhere
// else: Configuration's option table points at these fields, and the workers read them.

package import Balancing
package import ProxyProtocol

/// How the backends of one service are treated. Value type, any thread.
package struct BackendPolicy: Sendable, Equatable {
    /// How a backend is chosen.
    package var balancing = BalancerOptions()
    /// How long one may take, and how long a connection to it is kept.
    package var timeouts = BackendTimeouts()
    /// Unused connections kept per backend and worker.
    package var idleConnectionsMax = 512
    /// When requests are sent again.
    package var retry = RetryOptions()
    /// What live traffic has to show against a backend for it to be told.
    package var ejection = EjectionOptions()
    /// How many requests are taken.
    package var limits = RequestLimits()
    /// Which HTTP they speak. HTTP/1.1 by default, which all of them do.
    package var speaks = BackendProtocol.http1
    /// The form of the PROXY header with which each connection begins; nil for none.
    package var sendsHeader: ProxyHeader.Version?

    /// The defaults.
    package init() {}

    /// The policy for one of so many workers, 1 or more, each of which has its part of the limits;
    /// the kernel spreads connections evenly.
    package func share(ofWorkers workers: Int) -> BackendPolicy {
        var policy = self
        policy.limits = limits.share(ofWorkers: workers)
        return policy
    }
}

/// How long a backend may take, and how long a connection to it is kept.
package struct BackendTimeouts: Sendable, Equatable {
    /// For one dial. A backend is near: one second leaves room for a lost SYN to go out twice.
    package var connect = Duration.seconds(1)
    /// From the request's last byte to the response's head. Long, since slow pages are the
    /// service's business, but never for good.
    package var responseHead = Duration.seconds(60)
    /// How long an unused connection is kept for the next request. Shorter than the 5 s after which
    /// common application servers close it, so that few are found closed.
    package var idle = Duration.seconds(4)

    /// The defaults.
    package init() {}
}

/// What live traffic has to show against a backend.
package struct EjectionOptions: Sendable, Equatable {
    /// Failed answers in a row, if those of the other backends hardly ever fail; the more often
    /// these fail, the more are asked for. 1 to 1000; nil: no number is enough.
    package var failures: Int? = 3
    /// How long requests wait on a backend that sends nothing while others answer, until it is
    /// ejected and they go elsewhere; nil: no time is enough. A pause of a garbage collector is
    /// shorter in most cases, and 1 s is what people notice.
    package var silence: Duration? = .milliseconds(750)

    /// The defaults.
    package init() {}
}

/// How many requests a service takes: over all workers, or as `share` from one of them.
package struct RequestLimits: Sendable, Equatable {
    /// In flight on one backend, at least 1; nil is no limit. For TCP, connections.
    package var backendRequestsMax: Int?
    /// In flight on the service, at least 1; nil is no limit.
    package var requestsMax: Int?
    /// Waiting for room when these are reached.
    package var queueMax = 100
    /// How long one waits; then it gets 503. Short, since a client that waits long asks again.
    package var queueWait = Duration.seconds(1)
    /// How long a request waits while there is no backend that may get it; then it gets 503. Nil:
    /// it gets that at once, since nothing says that one will come. Where an only container is
    /// replaced by another, there is none for as long as the new one needs to start.
    package var emptyWait: Duration?
    /// How long that may be.
    package static let emptyWaits = Duration.milliseconds(100) ... .seconds(300)
    /// Requests that wait for that, at most. More than `queueMax`, since all of them come in that
    /// time, and none is served meanwhile.
    package var emptyQueueMax = 1000
    /// Requests that waited for that and go to each backend before any is answered: fewer than the
    /// ten that the shortest listen queues in use hold. No option, since a backend that can't take
    /// them has a limit of its own, `backendRequestsMax`.
    package var releasedFirst = 8

    /// No limits.
    package init() {}

    /// One worker's part of them.
    func share(ofWorkers workers: Int) -> RequestLimits {
        var limits = self
        limits.backendRequestsMax = backendRequestsMax.map { workerShare(of: $0, workers) }
        limits.requestsMax = requestsMax.map { workerShare(of: $0, workers) }
        limits.queueMax = queueMax == 0 ? 0 : workerShare(of: queueMax, workers)
        limits.emptyQueueMax = workerShare(of: emptyQueueMax, workers)
        limits.releasedFirst = workerShare(of: releasedFirst, workers)
        return limits
    }
}
