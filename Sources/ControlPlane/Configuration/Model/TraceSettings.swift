// TraceSettings: whether requests are traced, and where their spans go. By default nowhere: what
// clients send of a trace passes through as it came.

package import Traffic
internal import Wording

/// Traces of requests.
package struct TraceSettings: Equatable, Sendable {
    /// Where spans go.
    package internal(set) var to = TraceTarget.off
    /// Which requests are recorded.
    package internal(set) var policy = TracePolicy()

    /// How workers trace; nil for not at all.
    package var workerPolicy: TracePolicy? { to == .off ? nil : policy }
}

/// Where spans go.
package enum TraceTarget: Equatable, Sendable {
    /// Requests are not traced.
    case off
    /// Requests are traced, and the access log says how; no spans are made.
    case log
}

extension OptionTable {
    /// `traces.…`
    static let traces: [Option<TraceSettings>] = [
        Option(
            "to", \.to, .traceTarget,
            "Where traces of requests go; `log` names them to backends and in the access log "
                + "alone."),
        Option(
            "sample", \.policy.sample, .share,
            "How many of the requests that begin a trace are recorded; others are recorded as the "
                + "trace is that they go on with."),
        Option(
            "parents", \.policy.parents, .word,
            "Whose traces requests go on with: of `trusted` proxies, of `all` clients or of "
                + "`none`; other requests begin a trace."),
    ]
}

extension ValueKind<TraceTarget> {
    /// A word.
    static var traceTarget: Self { words([("off", .off), ("log", .log)]) }
}

extension ValueKind where Value == Int {
    /// A share in millionths, written as a percentage of up to four decimals.
    static var share: Self {
        let whole = 1_000_000
        return Self(
            "percentage, 0% to 100%",
            write: { share in
                let (percent, rest) = share.quotientAndRemainder(dividingBy: whole / 100)
                guard rest > 0 else { return "\(percent)%" }
                var decimals = "\(rest + whole / 100)".dropFirst()
                while decimals.last == "0" { decimals.removeLast() }
                return "\(percent).\(decimals)%"
            }
        ) { (text) throws(Unexpected) in
            let expected = "a percentage with up to four decimals, such as 0.1%"
            let parts = text.dropLast().split(separator: ".", omittingEmptySubsequences: false)
            guard text.last == "%", (1...2).contains(parts.count),
                let percent = Units.digits(parts[0])
            else { throw Unexpected(expected: expected) }
            var decimals = 0
            if parts.count == 2 {
                let padded = parts[1] + String(repeating: "0", count: max(0, 4 - parts[1].count))
                guard (1...4).contains(parts[1].count), let digits = Units.digits(padded) else {
                    throw Unexpected(expected: expected)
                }
                decimals = digits
            }
            guard percent < 100 || percent == 100 && decimals == 0 else {
                throw Unexpected(expected: "0% to 100%")
            }
            return percent * (whole / 100) + decimals
        }.shaped(.pattern("^[0-9]+([.][0-9]{1,4})?%$"))
    }
}
