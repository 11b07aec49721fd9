// Cause: why a backend changed its state, as a small value that is put into words only when someone
// reads it.

package import Endpoints
package import GRPCWire

/// Why a check did not pass. Any thread.
package enum CheckFailure: Sendable, Hashable, CustomStringConvertible {
    /// The port is closed.
    case refused
    /// No connection, or no answer, in time.
    case timeout
    /// The connection broke before the answer was complete.
    case reset
    /// There is no way to the host.
    case unreachable
    /// An answer with a status that is not the expected one.
    case status(Int)
    /// An answer that is no HTTP.
    case malformed
    /// An answer to an HTTP check whose status passes, and whose body does not.
    case body(BodyFailure)
    /// An answer to a TCP check that does not begin with what is expected, and what it looks like.
    case unexpected(AnswerKind)
    /// No secure connection, and why: a sentence without its full stop.
    case insecure(String)
    /// HTTP/2 is not spoken where it is asked by it.
    case notHTTP2
    /// The stream of HTTP/2 was ended, with a code of this name.
    case resetStream(String)
    /// An answer to a check by gRPC that is not of gRPC.
    case notGRPC
    /// The call of a check by gRPC ended with this status, which is not OK.
    case callFailed(GRPCStatus)
    /// The health service of gRPC has answered, and did not say SERVING.
    case notServing(GRPCHealth.Answer)
    /// Any other error, by errno; 0 when there is none.
    case other(Int32)

    /// A phrase: `connection refused`.
    package var description: String {
        switch self {
        case .refused: "connection refused"
        case .timeout: "timed out"
        case .reset: "connection reset"
        case .unreachable: "host unreachable"
        case .status(let code): "status \(code)"
        case .malformed: "malformed answer"
        case .body(let failure): failure.rawValue
        case .unexpected(let kind): "unexpected answer: \(kind.rawValue)"
        case .insecure(let why): "no secure connection: \(why)"
        case .notHTTP2: "it does not speak HTTP/2, by which this check asks"
        case .resetStream(let code): "the stream was reset: \(code)"
        case .notGRPC: "the answer is not of gRPC: is this the port of the gRPC server?"
        case .callFailed(.notFound):
            "grpc-status 5 (NOT_FOUND): its health service does not know the service of check.grpc;"
                + " register it there, or leave the name empty for the whole server"
        case .callFailed(.unimplemented):
            "grpc-status 12 (UNIMPLEMENTED): it has no health service; register "
                + "grpc.health.v1.Health there, or set check to {type: tcp}"
        case .callFailed(let status): "grpc-status \(status)"
        case .notServing(let answer): "its health service says \(answer.name)"
        case .other(let errno): "error \(errno)"
        }
    }
}

extension GRPCHealth.Answer {
    /// What was said, as the protocol names it.
    fileprivate var name: String {
        switch self {
        case .serving: "SERVING"
        case .notServing: "NOT_SERVING"
        case .unknown: "UNKNOWN"
        case .serviceUnknown: "SERVICE_UNKNOWN"
        case .other(let number): "status \(number), which its protocol does not have"
        case .malformed: "nothing that its protocol has"
        }
    }
}

extension CheckFailure {
    /// Why a body does not pass. Any thread.
    package enum BodyFailure: String, Sendable, Hashable, CaseIterable {
        /// The body, read to its end or to the limit, does not have the expected text.
        case lacksText = "body without the expected text"
        /// The connection ended before the body did.
        case cutShort = "body cut short before the expected text"
        /// The body did not end, or reach the limit, in time.
        case timeout = "body not read in time for the expected text"
        /// The body is not what its framing says.
        case malformed = "malformed body"
    }

    /// What an answer looks like. Only a kind, never its bytes, which may be anything. Any thread.
    package enum AnswerKind: String, Sendable, Hashable, CaseIterable {
        /// The answer begins as HTTP/1.x does.
        case http = "HTTP"
        /// The answer begins as a record of TLS does.
        case tls = "TLS"
        /// Printable ASCII.
        case text = "other text"
        /// Anything else.
        case binary = "binary data"
    }
}

/// Why a worker could not connect to a backend for a live request. Any thread.
package enum DialFailure: Sendable, Hashable, CustomStringConvertible {
    case refused, timeout, reset, unreachable, other
    /// No secure connection, and why: a sentence without its full stop.
    case insecure(String)
    /// What the backend sent is not HTTP/2.
    case notHTTP2

    /// A phrase: `connection refused`.
    package var description: String {
        switch self {
        case .refused: "connection refused"
        case .timeout: "timed out"
        case .reset: "connection reset"
        case .unreachable: "host unreachable"
        case .other: "could not connect"
        case .insecure(let why): why
        case .notHTTP2: "it does not speak HTTP/2: set protocol to http1, or auto with backend-tls"
        }
    }
}

/// Why a backend is in the state in which it is. Any thread.
package enum Cause: Sendable, Hashable, CustomStringConvertible {
    /// A good answer names it for the first time.
    case named
    /// A good answer names it again while it drains.
    case namedAgain
    /// The backend turned out to be lost with most others within seconds, and is held.
    case recalled
    /// Its first check has begun.
    case checkBegun
    /// Its service has no checks, so the answer of the source is enough.
    case unchecked
    /// Its source says that a check of its own passed.
    case passedElsewhere
    /// This many checks passed in a row.
    case checksPassed(Int)
    /// This many checks failed in a row, the last of them in this way.
    case checksFailed(Int, last: CheckFailure)
    /// A live request could not connect.
    case dialFailed(DialFailure)
    /// Live requests failed after they had connected.
    case liveFailed(LiveFailure)
    /// The time that its ejection lasts is over.
    case ejectionEnded
    /// This many good answers in a row did not name it.
    case missing(answers: Int)
    /// The backend was lost with most others in one answer, and the evidence is against it too.
    case massLossConfirmed
    /// Others are named instead, and as many of them are up.
    case replaced
    /// A hold of this kind ended, and there was no evidence for the backend.
    case holdEnded(HoldKind)
    /// An operator wants no new requests on it.
    case drainedByOperator
    /// Somebody drained the backend by the admin port, from this address.
    case drainedByAdminPort(IPAddress)
    /// The operator lets it have requests again.
    case drainLifted
    /// Somebody lifted the drain by the admin port, from this address.
    case drainLiftedByAdminPort(IPAddress)
    /// An operator ejected it.
    case ejectedBy(OperatorOrigin)
    /// The backend drained until no request was in flight.
    case idle
    /// The backend drained for as long as a drain may take.
    case drainLimit
    /// The source says that another process has its endpoint.
    case succeeded
    /// The source says that somebody wants no requests there, and why: a clause.
    case withdrawn(String)

    /// A sentence without its full stop: `3 checks failed in a row, the last: timed out`.
    package var description: String {
        switch self {
        case .named: "named by discovery"
        case .namedAgain: "named by discovery again"
        case .recalled: "lost with most others within seconds, which is no reason to let it go"
        case .checkBegun: "first check begun"
        case .unchecked: "named by discovery, and checks are off"
        case .passedElsewhere: "named by discovery as healthy"
        case .checksPassed(1): "a check passed"
        case .checksPassed(let count): "\(count) checks passed in a row"
        case .checksFailed(1, let last): "a check failed: \(last)"
        case .checksFailed(let count, let last):
            "\(count) checks failed in a row, the last: \(last)"
        case .dialFailed(let failure): "a request could not connect: \(failure)"
        case .liveFailed(let failure): failure.description
        case .ejectionEnded: "the time of its ejection is over"
        case .missing(1): "missing from a good answer"
        case .missing(let answers): "missing from \(answers) good answers in a row"
        case .massLossConfirmed: "lost with most others in one answer, and not passing its checks"
        case .replaced: "others are named in its place, and are up"
        case .holdEnded(.massLoss): "lost with most others in one answer, and the hold ended"
        case .holdEnded(let kind):
            "discovery failed (\(kind.rawValue)) for longer than the hold, and no check speaks "
                + "for it"
        case .drainedByOperator: "drained by an operator"
        case .drainedByAdminPort(let address): "drained by the admin port from \(address)"
        case .drainLifted: "an operator's drain was lifted"
        case .drainLiftedByAdminPort(let address): "enabled by the admin port from \(address)"
        case .ejectedBy(let origin): "ejected by \(origin)"
        case .idle: "drained: no request in flight"
        case .drainLimit: "drained for as long as a drain may take"
        case .succeeded: "another process has its address"
        case .withdrawn(let why): why
        }
    }
}
