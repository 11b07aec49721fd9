// CheckOptions: what a check of one service's backends does, and how often. How many checks count
// is the roster's business (RosterOptions.checks).

package import HTTP1
package import ProxyProtocol

/// What a check does. The raw value is the word that operators write.
package enum CheckType: String, CaseIterable, Sendable {
    /// Connects, and exchanges a few bytes if they are given.
    case tcp
    /// Sends a request and looks at the status, and at the body if that is asked for.
    case http
    /// Asks the health service of gRPC.
    case grpc
    /// Nothing: every instance counts as healthy until traffic says otherwise.
    case off
}

/// How the backends of one service are checked. Value type, any thread.
package struct CheckOptions: Sendable, Equatable {
    /// What a check does; the fields of the other types have no effect.
    package var type = CheckType.tcp
    /// What one of type `http` asks, and what passes. One of type `grpc` has its host and its field
    /// lines.
    package var http = HTTP()
    /// The service about which one of type `grpc` asks; empty for the whole server.
    package var grpcService = ""
    /// What one of type `tcp` says once it is connected, 1 to 1024 bytes; nil for nothing.
    package var send: String?
    /// What the answer to one of type `tcp` has to begin with, 1 to 1024 bytes; nil for no answer.
    /// Never nil beside `send`.
    package var expect: String?
    /// From the start of one check to the start of the next, while nothing is expected to change;
    /// 1 ms to a day, else the nearer.
    package var interval: Duration = .seconds(2)
    /// The time between checks of a backend whose next check may change its state; at most
    /// `interval`, else that.
    package var fastInterval: Duration = .milliseconds(500)
    /// The time between checks of a backend that is down, 1 ms to a day; nil means `interval`.
    package var downInterval: Duration?
    /// How long one check may take; 1 ms to a day, else the nearer.
    package var timeout: Duration = .seconds(1)
    /// By how much of itself each of the intervals varies at random, in percent; 0 to 90, else the
    /// nearer.
    package var jitterPercent = 20
    /// Where to connect; nil means the backend's own port.
    package var port: UInt16?
    /// The form of the PROXY header with which a check begins; nil for none.
    package var sendsHeader: ProxyHeader.Version?
    /// Whether a check of kind `tcp` is left out when the backend has answered live requests since
    /// the last one was due. The other kinds ask something that traffic does not.
    package var trustsTraffic = true

    /// A TCP check every 2 s.
    package init() {}

    /// What a check does, with all that it needs to know.
    package var kind: Kind {
        switch type {
        case .off: .off
        case .http: .http(http)
        case .grpc: .grpc(GRPC(service: grpcService, host: http.host, fields: http.fields))
        case .tcp:
            expect.map { expect in
                .sendExpect(
                    SendExpect(send: Array((send ?? "").utf8), expect: Array(expect.utf8)))
            } ?? .tcp
        }
    }

    /// What a check does. Two backends whose checks do the same at the same endpoint share one.
    package enum Kind: Sendable, Hashable {
        /// Nothing: the service has no checks.
        case off
        /// Connects. What the peer does with the connection does not matter.
        case tcp
        /// Connects, says something, and looks at how the answer begins.
        case sendExpect(SendExpect)
        /// Sends a request and looks at the status, and at the body if that is asked for.
        case http(HTTP)
        /// Asks the health service of gRPC, which has to say that it serves.
        case grpc(GRPC)
    }

    /// The call of a check by gRPC's health protocol, version 1.
    package struct GRPC: Sendable, Hashable {
        /// The service to ask about; empty for the whole server.
        package var service: String
        /// The authority; nil names the endpoint that is checked.
        package var host: String?
        /// Further fields of the call's metadata. One named User-Agent takes the place of the
        /// check's own.
        package var fields: [HTTP.Field]

        /// A call about `service`; by default about the whole server.
        package init(service: String = "", host: String? = nil, fields: [HTTP.Field] = []) {
            self.service = service
            self.host = host
            self.fields = fields
        }
    }

    /// What a TCP check says, and what passes.
    ///
    /// The answer has to begin with what is expected, and not just contain it: protocols put their
    /// verdict first (`+PONG`, `220 `, `-ERR unknown command 'PONG'`), so the beginning can't be
    /// fooled by an error that quotes the question, the first byte that differs settles the check
    /// without waiting for the time limit, and no more is read than is expected.
    package struct SendExpect: Sendable, Hashable {
        /// What is sent first; empty where the peer speaks first.
        package var send: [UInt8]
        /// What the answer begins with; not empty.
        package var expect: [UInt8]

        /// Sends `send`, and passes when the answer begins with `expect`.
        /// - Precondition: `expect` is not empty.
        package init(send: [UInt8] = [], expect: [UInt8]) {
            precondition(!expect.isEmpty, "without an answer to expect it is a check of kind tcp")
            self.send = send
            self.expect = expect
        }
    }

    /// The request of an HTTP check, and what passes.
    package struct HTTP: Sendable, Hashable {
        /// Any but `connect` and `other`.
        package var method = Method.get
        /// Path and query: `/health?full=1`.
        package var path: String
        /// The value of the Host field; nil names the endpoint that is checked.
        package var host: String?
        /// Further field lines. One named User-Agent takes the place of the check's own.
        package var fields: [Field] = []
        /// Statuses that pass.
        package var statuses: [ClosedRange<Int>]
        /// What the first `bodyBytesMax` bytes of the body have to contain; nil for any body, which
        /// is not read then.
        package var body: String?

        /// Bytes of a body that are looked at.
        package static let bodyBytesMax = 65_536

        /// A GET of `path` that passes on 200 to 399.
        package init(
            path: String = "/", host: String? = nil, statuses: [ClosedRange<Int>] = [200...399]
        ) {
            self.path = path
            self.host = host
            self.statuses = statuses
        }

        /// A field line of a request.
        package struct Field: Sendable, Hashable {
            /// Its name.
            package let name: String
            /// Its value.
            package let value: String

            /// `name: value`; both are checked when the configuration is read.
            package init(name: String, value: String) {
                self.name = name
                self.value = value
            }
        }
    }
}
