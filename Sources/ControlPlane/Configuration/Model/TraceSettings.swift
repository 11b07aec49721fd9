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
    /// What spans say of this process besides, each key once.
    package internal(set) var resource: [Attribute] = []
    /// Fields that the collector gets with spans. Secrets: never shown.
    package internal(set) var headers: [CheckOptions.HTTP.Field] = []
    /// A file with the collector's own root, in PEM; nil for those that this machine trusts.
    package internal(set) var caFile: String?
    /// How long the collector has for an answer: 10 s by default, as OpenTelemetry's exporters have
    /// it.
    package internal(set) var timeout = Duration.seconds(10)

    /// An attribute of the resource that spans are of. Value type, any thread.
    package struct Attribute: Equatable, Sendable {
        /// Letters, digits, dots, hyphens, underscores and slashes.
        package let key: String
        /// A text without controls.
        package let value: String
    }

    /// Whether `other` sends spans to the same place in the same way.
    package func isSent(as other: Self) -> Bool {
        to == other.to && serviceName == other.serviceName && resource == other.resource
            && headers == other.headers && caFile == other.caFile && timeout == other.timeout
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
                + "and names traces to backends and in the access log alone. "
                + "OTEL_EXPORTER_OTLP_ENDPOINT says so too."),
        Option(
            "sample", \.policy.sample, .share,
            "How many of the requests that begin a trace are recorded; others are recorded as the "
                + "trace is that they go on with."),
        Option(
            "parents", \.policy.parents, .word,
            "Whose traces requests go on with: of `trusted` proxies, of `all` clients or of "
                + "`none`; other requests begin a trace."),
        Option(
            "follow-parents", \.policy.followsParents, .onOff,
            "Whether a trace that goes on is recorded as its client has decided; `off` has "
                + "`sample` decide for each trace."),
        Option(
            "errors", \.policy.errors, .onOff,
            "Whether requests that fail have a span although their trace is not recorded."),
        Option(
            "service-name", \.serviceName, .metadataText,
            "What spans call this service (`service.name`)."),
        Option(
            "resource", \.resource, .resourceAttributes,
            "What spans say of this process besides, such as `deployment.environment.name: "
                + "production`."),
        Option(
            "headers", \.headers, .checkHeaders,
            "Fields that the collector gets, such as a key for its API."),
        Option(
            "ca-file", \.caFile, .optional(.filePath),
            "A file with the root of the collector's certificate, in PEM; for one that this "
                + "machine does not trust."),
        Option(
            "timeout", \.timeout, .duration(.milliseconds(100) ... .seconds(60)),
            "How long the collector has for an answer."),
    ]
}

extension ValueKind<[TraceSettings.Attribute]> {
    /// Attributes of the resource of spans, which may be a mapping. A key that comes twice is found
    /// when all is read.
    static var resourceAttributes: Self {
        var kind = list(of: attribute, countMax: 64)
        kind.takesMapping = true
        return kind
    }

    private static var attribute: ValueKind<TraceSettings.Attribute> {
        ValueKind<TraceSettings.Attribute>("KEY: VALUE", write: { "\($0.key): \($0.value)" }) {
            (text) throws(Unexpected) in
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, TraceSettings.isAttributeKey(parts[0]) else {
                throw Unexpected(
                    expected: "an attribute, such as deployment.environment.name: production")
            }
            let key = String(parts[0])
            let value = parts[1].drop { $0 == " " }
            guard key != "service.name" else {
                throw Unexpected(
                    expected: "",
                    sentence: "found service.name, expected another key: that is the option "
                        + "service-name")
            }
            guard value.utf8.count <= 1024, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else {
                throw Unexpected(
                    expected: "",
                    sentence: "found a value of \(key) that is too long or has controls, expected "
                        + "at most 1024 bytes of text")
            }
            return TraceSettings.Attribute(key: key, value: String(value))
        }
    }
}

extension TraceSettings {
    /// Whether spans may have this key in their resource.
    static func isAttributeKey(_ key: some StringProtocol) -> Bool {
        (1...256).contains(key.utf8.count)
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                    UInt8(ascii: "_"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }
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
