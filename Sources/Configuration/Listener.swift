// A listener: where clients connect, and what they may do there.

package import Endpoints

/// Where clients connect, and the service their requests go to.
package struct Listener: Equatable, Sendable {
    /// Distinct; the operator's, or the address as it was written.
    package internal(set) var name = ""
    /// Where it listens. `[::]` stands for every address, IPv4 too; port 0 asks for any free one.
    package internal(set) var listen = Endpoint(.any, 0)
    /// What is spoken.
    package internal(set) var mode = Mode.http
    /// The name of a service in `Configuration.services`.
    package internal(set) var service = ""
    package internal(set) var timeouts = Timeouts()
    package internal(set) var limits = Limits()
    /// Whether requests get `X-Forwarded-For`, `-Proto` and `-Host`.
    package internal(set) var forwardedHeaders = true

    /// What a listener speaks.
    package enum Mode: String, CaseIterable, Equatable, Sendable {
        /// HTTP/1.1, request by request.
        case http
        /// Bytes, connection by connection.
        case tcp
    }

    /// How long each side may keep the other waiting.
    package struct Timeouts: Equatable, Sendable {
        /// From a request's first byte to the end of its head. Bounds a client that drips its head;
        /// 10 s is several retransmissions on a bad mobile link.
        package internal(set) var clientHead = Duration.seconds(10)
        /// Between a client's requests. A browser reuses its connections for about a minute.
        package internal(set) var clientIdle = Duration.seconds(60)
        /// For one dial. A backend is near: one second leaves room for a lost SYN to go out twice.
        package internal(set) var connect = Duration.seconds(1)
        /// From the end of the request to the response head. Long, since slow pages are the
        /// service's business, but never for ever.
        package internal(set) var responseHead = Duration.seconds(60)
        /// Without one byte of a body in either direction, once heads have passed.
        package internal(set) var bodyIdle = Duration.seconds(30)
        /// Without one byte in either direction on a TCP or upgraded connection: longer than the
        /// heartbeats of common WebSocket and database clients.
        package internal(set) var tunnelIdle = Duration.seconds(300)
        /// How long an unused backend connection is kept. Shorter than the 5 s after which common
        /// application servers close it, so that few are found closed.
        package internal(set) var backendIdle = Duration.seconds(4)
    }

    /// How much one listener holds.
    package struct Limits: Equatable, Sendable {
        /// Bytes of a request or response head, 1 KiB to 64 KiB (a worker's receive buffer).
        package internal(set) var headBytes = 16 << 10
        /// Client connections open at once, over all workers.
        package internal(set) var connections = 10_000
    }
}
