// Service.Check: how a backend's health is probed, as the operator wrote it.

extension Service {
    /// How a backend's health is probed.
    package struct Check: Equatable, Sendable {
        /// What a check does; a TCP connect unless the operator says otherwise.
        package internal(set) var kind = Kind.tcp
        /// The method of the request; HTTP only.
        package internal(set) var method = Method.get
        /// Path and query of the request; HTTP only.
        package internal(set) var path = "/"
        /// The Host header; nil means the backend's address and port. HTTP only.
        package internal(set) var host: String?
        /// Further field lines of the request; HTTP only.
        package internal(set) var headers: [Header] = []
        /// Statuses that pass, within 100 to 599, at least one range; HTTP only.
        package internal(set) var status: [ClosedRange<Int>] = [200...399]
        /// What the first 64 KiB of the body have to contain, 1 to 1024 bytes; nil for any body.
        /// HTTP only.
        package internal(set) var body: String?
        /// What is sent once a connection is made, 1 to 1024 bytes; nil for nothing. TCP only.
        package internal(set) var send: String?
        /// What the answer has to begin with, 1 to 1024 bytes; nil for no answer. TCP only, and
        /// never nil beside `send`.
        package internal(set) var expect: String?
        /// From the start of one check to the start of the next, while all is well.
        package internal(set) var interval = Duration.seconds(2)
        /// The same while the next check may change the backend's state; `interval` if that is
        /// shorter, which is only so where this was not given.
        package internal(set) var fastInterval = Duration.milliseconds(500)
        /// The same while the backend is down; nil means `interval`.
        package internal(set) var downInterval: Duration?
        /// How long one check may take.
        package internal(set) var timeout = Duration.seconds(1)
        /// Passes in a row that bring a backend up.
        package internal(set) var rise = 2
        /// Failures in a row that take it down.
        package internal(set) var fall = 3
        /// How much the interval is varied at random, in percent.
        package internal(set) var jitterPercent = 20
        /// The port to probe; nil means the backend's own.
        package internal(set) var port: UInt16?
        /// Whether live answers stand for a check that only connects.
        package internal(set) var trustTraffic = Switch.on

        /// What a check does.
        package enum Kind: String, CaseIterable, Equatable, Sendable {
            /// Connects, and exchanges a few bytes if they are given.
            case tcp
            /// Sends a request and looks at the status, and at the body if it is given.
            case http
            /// Nothing: every instance counts as healthy until traffic says otherwise.
            case off
        }

        /// The method of an HTTP check.
        package enum Method: String, CaseIterable, Equatable, Sendable {
            case get = "GET"
            case head = "HEAD"
            case options = "OPTIONS"
            case post = "POST"
            case put = "PUT"
            case patch = "PATCH"
            case delete = "DELETE"
        }

        /// A field line of a request.
        package struct Header: Hashable, Sendable {
            /// Its name.
            package let name: String
            /// Its value.
            package let value: String
        }
    }
}

/// What holds for the checks of all services.
package struct CheckSettings: Equatable, Sendable {
    /// Checks that begin a second at most, 1 to 100,000. Two thousand backends at the default
    /// interval need so many.
    package internal(set) var rate = 1000
}
