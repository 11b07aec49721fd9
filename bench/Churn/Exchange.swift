// Exchange: one request of the load and what became of it, as a client sees it.

/// A request and its end.
struct Exchange: Equatable, Sendable {
    /// GET may be sent again by a proxy, POST may not.
    enum Kind: String, Codable, Sendable, CaseIterable { case get = "GET", post = "POST" }

    /// How it ended.
    enum Outcome: Hashable, Sendable {
        /// With a whole response of this status.
        case status(Int)
        /// The connection was closed or reset, and there was no whole response.
        case closed
        /// No connection could be had.
        case refused
        /// The client gave up.
        case timeout
        /// What came is no response of HTTP/1.1.
        case malformed
    }

    var kind: Kind
    /// When it should have been sent, in monotonic nanoseconds: what it waited before counts too.
    var due: UInt64
    /// When its end was known.
    var ended: UInt64
    var outcome: Outcome
    /// The number of the instance that answered; nil when none did.
    var instance: Int?

    var isGood: Bool {
        if case .status(200..<300) = outcome { return true }
        return false
    }

    /// From due to ended.
    var seconds: Double { Double(ended - due) / 1e9 }
}

extension Exchange.Outcome: CustomStringConvertible {
    /// The outcome as in tables.
    var description: String {
        switch self {
        case .status(let status): "\(status)"
        case .closed: "closed"
        case .refused: "refused"
        case .timeout: "timeout"
        case .malformed: "malformed"
        }
    }
}
