// A listener: where clients connect, and what they may do there.

package import Endpoints

/// Where clients connect, and the service their requests go to.
package struct Listener: Equatable, Sendable {
    /// Distinct; the operator's, or the address as it was written.
    package internal(set) var name = ""
    /// Where it listens as it was written.
    var place = Place.endpoint(Endpoint(.any, 0))
    /// Where it listens. `[::]` stands for every address, IPv4 too; port 0 asks for any free one.
    /// A name that has several addresses is a listener for each.
    package internal(set) var listen = Endpoint(.any, 0)
    /// What is spoken.
    package internal(set) var mode = Mode.http
    /// The name of a service in `Configuration.services`; empty only with `routes`.
    package internal(set) var service = ""
    /// Where requests go by what they ask for; `service` gets the rest, or nobody when that is
    /// empty.
    package internal(set) var routes: [RouteSettings] = []
    /// How long its clients may take.
    package internal(set) var timeouts = Timeouts()
    /// How much it holds of them.
    package internal(set) var limits = Limits()
    /// What backends are told of its clients; HTTP only.
    package internal(set) var forwarding = Forwarding()
    /// Whether a client may switch to another protocol, such as WebSocket; HTTP only.
    package internal(set) var upgrade = Switch.on
    /// What becomes of the request of a client that closes its sending side; HTTP only.
    package internal(set) var halfClose = HalfClose.cancel
    /// Whether a client may ask a backend for a tunnel by CONNECT; HTTP only.
    package internal(set) var connect = Switch.off

    /// The names of all services that its requests can go to, each once.
    package var serviceNames: [String] {
        var seen: Set<String> = []
        return ([service] + routes.flatMap(\.serviceNames)).filter {
            !$0.isEmpty && seen.insert($0).inserted
        }
    }

    /// What a client means that closes its sending side before an answer begins.
    package enum HalfClose: String, CaseIterable, Equatable, Sendable {
        /// That it is gone, as nearly every client does: its request is cancelled.
        case cancel
        /// That it has said all, and waits for the answer.
        case answer
    }

    /// What a listener speaks.
    package enum Mode: String, CaseIterable, Equatable, Sendable {
        /// HTTP/1.1, request by request.
        case http
        /// Bytes, connection by connection.
        case tcp
    }

    /// How long a client may keep its backend waiting, and the other way round.
    package struct Timeouts: Equatable, Sendable {
        /// From a request's first byte to the end of its head. Bounds a client that drips its head;
        /// 10 s is several retransmissions on a bad mobile link.
        package internal(set) var clientHead = Duration.seconds(10)
        /// Between a client's requests. A browser reuses its connections for about a minute.
        package internal(set) var clientIdle = Duration.seconds(60)
        /// Without one byte of a body in either direction, once heads have passed.
        package internal(set) var bodyIdle = Duration.seconds(30)
        /// Without one byte in either direction on a TCP or upgraded connection: longer than the
        /// heartbeats of common WebSocket and database clients.
        package internal(set) var tunnelIdle = Duration.seconds(300)
        /// From the begin of such a connection to its end, less up to a tenth at random; nil is no
        /// limit.
        package internal(set) var tunnelMax: Duration?
        /// From a response's head to its last byte, less up to a tenth at random; nil is no limit.
        package internal(set) var responseMax: Duration?
        /// How long a host may acknowledge nothing before its connection is broken; nil leaves it
        /// to the kernel, which takes a quarter of an hour. 30 s outlast a lost link that comes
        /// back.
        package internal(set) var vanished: Duration? = .seconds(30)
        /// From a request's head to the last byte of its response; nil is no limit, since downloads
        /// and event streams may go on for as long as they move.
        package internal(set) var request: Duration?
    }

    /// How much one listener holds.
    package struct Limits: Equatable, Sendable {
        /// Bytes of a request's head, 1 KiB to 64 KiB (a worker's receive buffer).
        package internal(set) var headBytes = 16 << 10
        /// Field lines in a request's head.
        package internal(set) var headFields = 100
        /// Bytes of a request line, 256 B to 64 KiB.
        package internal(set) var requestLineBytes = 8 << 10
        /// Client connections open at once, over all workers.
        package internal(set) var connections = 10_000
    }
}
