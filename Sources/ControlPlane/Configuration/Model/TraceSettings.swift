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
    /// What spans call this service, `service.name`.
    package internal(set) var serviceName = "fairlead"
    /// Fields that the collector gets with spans. Secrets: never shown.
    package internal(set) var headers: [CheckOptions.HTTP.Field] = []
    /// A file with the collector's own root, in PEM; nil for those that this machine trusts.
    package internal(set) var caFile: String?

    /// Whether `other` sends spans to the same place in the same way.
    package func isSent(as other: Self) -> Bool {
        to == other.to && serviceName == other.serviceName && headers == other.headers
            && caFile == other.caFile
    }
}

/// Where spans go.
package enum TraceTarget: Equatable, Sendable {
    /// Requests are not traced.
    case off
    /// Requests are traced, and the access log says how; no spans are made.
    case log
    /// Requests are traced, and spans go to this collector.
    case collector(CollectorURL)
}

extension TraceTarget: CustomStringConvertible {
    /// The target as operators write it.
    package var description: String {
        switch self {
        case .off: "off"
        case .log: "log"
        case .collector(let url): "\(url)"
        }
    }
}

extension OptionTable {
    /// `traces.…`
    static let traces: [Option<TraceSettings>] = [
        Option(
            "to", \.to, .traceTarget,
            "Where spans of requests go: a collector that speaks OTLP over HTTP. `log` makes none, "
                + "and names traces to backends and in the access log alone."),
        Option(
            "sample", \.policy.sample, .share,
            "How many of the requests that begin a trace are recorded; others are recorded as the "
                + "trace is that they go on with."),
        Option(
            "parents", \.policy.parents, .word,
            "Whose traces requests go on with: of `trusted` proxies, of `all` clients or of "
                + "`none`; other requests begin a trace."),
        Option(
            "errors", \.policy.errors, .onOff,
            "Whether requests that fail have a span although their trace is not recorded."),
        Option(
            "service-name", \.serviceName, .metadataText,
            "What spans call this service (`service.name`)."),
        Option(
            "headers", \.headers, .checkHeaders,
            "Fields that the collector gets, such as a key for its API."),
        Option(
            "ca-file", \.caFile, .optional(.filePath),
            "A file with the root of the collector's certificate, in PEM; for one that this "
                + "machine does not trust."),
    ]
}

extension ValueKind<TraceTarget> {
    /// A word, or the URL of a collector.
    static var traceTarget: Self {
        Self("`off`, `log`, or a URL", write: { "\($0)" }) { (text) throws(Unexpected) in
            switch text {
            case "off": return .off
            case "log": return .log
            default:
                guard let url = CollectorURL(text) else {
                    throw Unexpected(
                        expected: "off, log, or the URL of a collector, such as "
                            + "http://127.0.0.1:4318/v1/traces")
                }
                return .collector(url)
            }
        }
    }
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
