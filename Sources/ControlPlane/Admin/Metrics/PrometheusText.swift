// PrometheusText: the one writer of Prometheus' text format 0.0.4 and of OpenMetrics 1.0. Both want
// all series of a family together.

internal import Stats

/// A page of metrics while it is written. Value type, any thread.
package struct PrometheusText {
    /// The text format.
    package enum Format: Sendable {
        /// Prometheus' text format, version 0.0.4.
        case prometheus
        /// OpenMetrics, version 1.0.0.
        case openMetrics

        /// The format that a client with this Accept field prefers; Prometheus' own when it does
        /// not say.
        package init(accept: String?) {
            var best = (format: Format.prometheus, weight: 0.0)
            for part in (accept ?? "").split(separator: ",") {
                let words = part.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
                let weight = words.first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) }
                let format: Format
                switch words.first {
                case "application/openmetrics-text": format = .openMetrics
                case "text/plain", "text/*", "*/*": format = .prometheus
                default: continue
                }
                if weight ?? 1 > best.weight { best = (format, weight ?? 1) }
            }
            self = best.format
        }

        /// What a server calls it.
        package var contentType: StaticString {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    /// What is written.
    package internal(set) var bytes: [UInt8] = []
    private let format: Format

    /// An empty page.
    package init(_ format: Format) {
        self.format = format
    }

    /// Ends the page.
    package mutating func end() {
        if format == .openMetrics { append("# EOF\n") }
    }

    // MARK: - Families

    /// One line. Value type, any thread.
    package struct Series {
        let labels: [String]
        let value: Double

        /// The values of the family's labels, in their order, and the number.
        package init(_ labels: [String], _ value: Double) {
            self.labels = labels
            self.value = value
        }
    }

    /// A family of one series.
    package mutating func one(_ metric: Metric, _ value: Double, _ labels: [String] = []) {
        family(metric, [Series(labels, value)])
    }

    /// A family; nothing without series.
    package mutating func family(_ metric: Metric, _ series: [Series]) {
        guard !series.isEmpty else { return }
        writeHead(of: metric)
        for series in series {
            append(metric.name)
            if !metric.labels.isEmpty {
                bytes += Self.labels(metric, series.labels)
                append("}")
            }
            append(" ")
            append(Self.number(series.value))
            append("\n")
        }
    }

    /// Writes a histogram whose labels, without the closing brace, are `labels`. Exemplars are for
    /// OpenMetrics alone.
    mutating func histogram(
        _ metric: Metric, _ labels: [UInt8], _ totals: HistogramTotals,
        _ exemplars: ExemplarTotals = ExemplarTotals()
    ) {
        let bucket = Array("\(metric.name)_bucket".utf8)
        var sum = 0
        for (index, count) in totals.counts.enumerated() {
            sum += count
            bytes += bucket
            bytes += labels
            bytes += bounds[index]
            append(sum)
            // The counts were read before, and a bucket without a count has no example.
            if format == .openMetrics, count > 0, let exemplar = exemplars[index] {
                append(exemplar)
            }
            bytes.append(0x0A)
        }
        for (suffix, value) in [
            ("_sum", Self.number(Double(totals.sumMicroseconds) / 1_000_000)),
            ("_count", "\(sum)"),
        ] {
            append(metric.name)
            append(suffix)
            bytes += labels
            append("} ")
            append(value)
            append("\n")
        }
    }

    /// ` # {trace_id="…",span_id="…"} 0.012 1700000000.123`: within the 128 characters that labels
    /// of an exemplar may have.
    private mutating func append(_ exemplar: Exemplar) {
        append(" # {trace_id=\"")
        append(hexadecimal: exemplar.high)
        append(hexadecimal: exemplar.low)
        append("\",span_id=\"")
        append(hexadecimal: exemplar.span)
        append("\"} \(Self.number(Double(exemplar.microseconds) / 1_000_000)) ")
        append(Int(exemplar.time / 1_000_000_000))
        let fraction = Int(exemplar.time % 1_000_000_000 / 1_000_000)
        append(".\(String(fraction + 1000).dropFirst())")
    }

    /// Appends sixteen digits.
    private mutating func append(hexadecimal number: UInt64) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(number >> UInt64(shift) & 0xF)
            bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
    }

    /// `,le="0.001"} ` for each bucket. OpenMetrics wants floats that look like floats.
    private var bounds: [[UInt8]] { format == .prometheus ? Self.plainBounds : Self.floatBounds }
    private static let plainBounds = bounds { number($0) }
    private static let floatBounds = bounds { "\($0)" }

    private static func bounds(_ text: (Double) -> String) -> [[UInt8]] {
        Histogram.boundsMicroseconds.map { ",le=\"\(text(Double($0) / 1_000_000))\"} " }
            .map { Array($0.utf8) } + [Array(",le=\"+Inf\"} ".utf8)]
    }

    /// The lines before the series of a family.
    mutating func writeHead(of metric: Metric) {
        var name = metric.name
        var kind = metric.kind.rawValue
        if format == .openMetrics {
            // In OpenMetrics a family has the name of its series without their suffix.
            if metric.kind == .counter { name.removeLast("_total".count) }
            if name.hasSuffix("_info") {
                name.removeLast("_info".count)
                kind = "info"
            }
        }
        append("# HELP \(name) \(metric.help)\n# TYPE \(name) \(kind)\n")
        guard format == .openMetrics else { return }
        for unit in ["seconds", "bytes"] where name.hasSuffix("_\(unit)") {
            append("# UNIT \(name) \(unit)\n")
        }
    }

    /// `{service="web"`, still open.
    static func labels(_ metric: Metric, _ values: [String]) -> [UInt8] {
        precondition(metric.labels.count == values.count, "\(metric.name): a value for each label")
        let pairs = zip(metric.labels, values).map { "\($0)=\"\(escaped($1))\"" }
        return Array("{\(pairs.joined(separator: ","))".utf8)
    }

    /// Appends it as it is.
    mutating func append(_ text: String) { bytes += text.utf8 }

    /// Appends digits without making a String.
    mutating func append(_ number: Int) {
        if number < 0 { bytes.append(0x2D) }
        var rest = number.magnitude
        let start = bytes.count
        repeat {
            bytes.append(0x30 + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        if bytes.count - start > 1 { bytes[start...].reverse() }
    }

    /// A label's value, in which backslash, quote and line feed are escaped.
    static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A number as text; whole numbers without a fraction, and never in exponent form while they
    /// are exact.
    private static func number(_ value: Double) -> String {
        if value.rounded() == value, abs(value) < 9e15 { return "\(Int(value))" }
        return "\(value)"
    }
}
