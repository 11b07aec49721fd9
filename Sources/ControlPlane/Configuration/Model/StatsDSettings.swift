// Where metrics are sent by StatsD's datagrams. By default nowhere: Prometheus asks `/metrics`.

package import Endpoints

/// Metrics by StatsD.
package struct StatsDSettings: Equatable, Sendable {
    /// Where the collector listens; nil for none.
    package internal(set) var to: Place?
    /// How often metrics are sent.
    package internal(set) var interval = Duration.seconds(10)
    /// How labels are told.
    package internal(set) var tags = Tags.dogstatsd

    /// How labels are told.
    package enum Tags: String, CaseIterable, Equatable, Sendable {
        /// Behind the value, `|#service:web`.
        case dogstatsd
        /// Their values, in the name.
        case names
    }
}

extension OptionTable {
    /// `statsd.…`
    static let statsd: [Option<StatsDSettings>] = [
        Option(
            "to", \.to, .optional(.collector, "off"),
            "Where a StatsD collector is told the metrics that `/metrics` has, by UDP."),
        Option(
            "interval", \.interval, .duration(.seconds(1) ... .seconds(3600)),
            "How often it is told."),
        Option(
            "tags", \.tags, .word,
            "How labels are told: `dogstatsd` behind the value, `names` in the name."),
    ]
}

extension ValueKind where Value == Place {
    /// Where a collector listens, on port 8125 unless told.
    static var collector: Self {
        place(port: 8125, expected: "an address or a host, such as 127.0.0.1:8125") { $0.endpoint }
    }
}
