// DiscoveryAnswer: what a source can say. Every way of failing is a case of its own, because each
// means something else: Consul says NXDOMAIN when all instances are critical and when it was
// restarted empty; SERVFAIL while it elects a leader; silence when it is away.

/// What one lookup came to. Any thread.
package enum DiscoveryAnswer: Sendable, Equatable {
    /// A complete, good answer. An empty one counts as `.failure(.nodata)`.
    case instances([Instance])
    /// Anything else.
    case failure(DiscoveryFailure)
}

/// Why a lookup gave no instances. Any thread.
package enum DiscoveryFailure: Sendable, Equatable, CustomStringConvertible {
    /// The name does not exist (RFC 1035, code 3).
    case nxdomain
    /// The name exists, but names no instance (RFC 2308, section 2.2).
    case nodata
    /// The server failed (code 2).
    case servfail
    /// The server refuses to say (code 5).
    case refused
    /// Any other response code, or HTTP status of a registry's API.
    case otherCode(UInt16)
    /// No server answered in time.
    case timeout
    /// An answer that can't be read, and why.
    case malformed(String)
    /// No server could be reached at all.
    case unreachable
    /// Any of these, with more than its kind: who failed, how, and what to do.
    case explained(HoldKind, String)

    /// Which hold applies.
    package var kind: HoldKind {
        switch self {
        case .nxdomain: .nxdomain
        case .nodata: .nodata
        case .servfail: .servfail
        case .refused: .refused
        case .otherCode: .otherCode
        case .timeout: .timeout
        case .malformed: .malformed
        case .unreachable: .unreachable
        case .explained(let kind, _): kind
        }
    }

    /// A phrase for the journal: `the name does not exist (NXDOMAIN)`.
    package var description: String {
        switch self {
        case .nxdomain: "the name does not exist (NXDOMAIN)"
        case .nodata: "the answer names no instance (NODATA)"
        case .servfail: "the server failed (SERVFAIL)"
        case .refused: "the server refused (REFUSED)"
        case .otherCode(let code): "the server answered code \(code)"
        case .timeout: "no server answered in time"
        case .malformed(let reason): "the answer is malformed: \(reason)"
        case .unreachable: "no server could be reached"
        case .explained(_, let text): text
        }
    }
}

/// What a hold protects from: one kind of failure, or a good answer that lost most of the
/// backends. The raw value is the name on the admin port and in metrics.
package enum HoldKind: String, Sendable, Hashable, CaseIterable {
    case nxdomain, nodata, servfail, refused
    case otherCode = "other_code"
    case timeout, malformed, unreachable
    case massLoss = "mass_loss"
}
