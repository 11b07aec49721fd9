// LiveFailure: evidence against a backend from its live requests. The workers watch and count; the
// roster decides what follows.

internal import GRPCWire

/// Why live traffic speaks against a backend that could be connected to. Any thread.
package enum LiveFailure: Sendable, Hashable, CustomStringConvertible {
    /// This many requests in a row failed; `last` is the status of the last one, 0 if it was broken
    /// off without one, and below 0 for a status of gRPC: -14 is UNAVAILABLE.
    case answers(consecutive: Int, last: Int)
    /// This many requests wait for an answer, and none came.
    case silent(waiting: Int)
    /// This many of the latest requests failed.
    case errorRate(failed: Int, of: Int)
    /// How long its answers take at the median, in milliseconds, and how long those of the others.
    case slow(milliseconds: Int, others: Int)

    /// A phrase: `3 requests in a row failed, the last: status 500`.
    package var description: String {
        switch self {
        case .answers(1, let last): "a request failed: \(Self.text(last))"
        case .answers(let count, let last):
            "\(count) requests in a row failed, the last: \(Self.text(last))"
        case .silent(1): "a request waits and no answer comes"
        case .silent(let waiting): "\(waiting) requests wait and no answer comes"
        case .errorRate(let failed, let all): "\(failed) of \(all) requests failed"
        case .slow(let milliseconds, let others):
            "answers take \(milliseconds) ms, those of the others \(others) ms"
        }
    }

    private static func text(_ status: Int) -> String {
        switch status {
        case 0: "broken off"
        case 1...: "status \(status)"
        default: "grpc-status \(GRPCStatus(code: -max(status, -999)))"
        }
    }
}

/// Why a live failure ejected no backend. Any thread.
package enum EjectionRefusal: Sendable, Hashable, CustomStringConvertible {
    /// No other backend is up, except on probation.
    case last
    /// Too many backends are ejected for their live requests already: how many, and of how many.
    case share(ejected: Int, of: Int)

    /// A clause: `no other could take its requests`.
    package var description: String {
        switch self {
        case .last: "no other could take its requests"
        case .share(let ejected, let all): "\(ejected) of \(all) are ejected already"
        }
    }
}
