// LiveFailure: what live traffic shows against a backend that takes connections.

/// Why live traffic speaks against a backend. Any thread.
package enum LiveFailure: Sendable, Hashable, CustomStringConvertible {
    /// So many answers in a row failed while other backends' did not; the status of the last one, or
    /// 0 when it broke off.
    case answers(consecutive: Int, last: Int)
    /// It sends nothing, though so many requests wait and other backends answer.
    case silent(waiting: Int)
    /// So many of its answers of the last seconds failed, many more than those of the others.
    case errorRate(failed: Int, of: Int)
    /// It takes so long for an answer on average, many times as long as the others.
    case slow(milliseconds: Int, others: Int)

    /// A phrase: `3 answers in a row failed, the last with status 500`.
    package var description: String {
        switch self {
        case .answers(1, 0): "an answer broke off"
        case .answers(1, let last): "an answer failed with status \(last)"
        case .answers(let count, 0): "\(count) answers in a row failed, the last broke off"
        case .answers(let count, let last):
            "\(count) answers in a row failed, the last with status \(last)"
        case .silent(let waiting): "silent, while \(waiting) requests wait and others are answered"
        case .errorRate(let failed, let count): "\(failed) of its last \(count) answers failed"
        case .slow(let own, let others):
            "an answer takes \(own) ms, where others take \(others) ms"
        }
    }
}
