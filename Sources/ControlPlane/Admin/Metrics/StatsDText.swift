// StatsDText: the metrics as StatsD's lines, for collectors that metrics are pushed to:
// `name:value|kind`, with tags as in DogStatsD (`|#service:web`) or with their values in the name,
// as in the first StatsD.
//
// It is made from the text of `/metrics`, so that both always agree. A counter is sent as what was
// added since the last time; of a histogram only sum and count are sent, since the collector makes
// buckets of its own.

/// Turns snapshots into datagrams, one after the other. Control thread only.
package struct StatsDText {
    /// How labels are written.
    package enum Tags: Sendable {
        /// `fairlead_requests_total:5|c|#service:web`.
        case dogstatsd
        /// `fairlead_requests_total.web:5|c`; characters that StatsD gives a meaning are `_` there.
        case inNames
    }

    private let tags: Tags
    /// The value of each counter when it was last sent, by its series.
    private var told: [String: Double] = [:]
    /// The size of a datagram that fits into an Ethernet packet with its headers.
    package static let datagramBytesMax = 1432

    /// Nothing was sent so far.
    package init(_ tags: Tags) {
        self.tags = tags
    }

    /// The datagrams for `snapshot`. What counters came to before the first call is not sent:
    /// another process has sent it, or nobody asked for it.
    package mutating func datagrams(of snapshot: AdminSnapshot) -> [[UInt8]] {
        var options = MetricsText.Options()
        options.backendsMax = 1000
        let text = MetricsText(snapshot, options: options).text
        let isFirst = told.isEmpty
        var now: [String: Double] = [:]
        var kinds: [Substring: Substring] = [:]
        var packets = Packets()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3)
            if words.count == 4, words[0] == "#", words[1] == "TYPE" { kinds[words[2]] = words[3] }
            guard !line.hasPrefix("#"), let series = Series(line, kinds) else { continue }
            var value = series.value
            if series.isCounter {
                let key = String(series.key)
                now[key] = series.value
                // A counter that fell has started over.
                let before = told[key] ?? (isFirst ? series.value : 0)
                value -= before > value ? 0 : before
                if value == 0 { continue }
            }
            packets.add(self.line(series, value))
        }
        // This drops series that are gone.
        told = now
        return packets.all
    }

    private func line(_ series: Series, _ value: Double) -> String {
        var name = String(series.name)
        var suffix = ""
        switch tags {
        case .dogstatsd:
            if !series.labels.isEmpty {
                let tags = series.labels.map { "\($0.name):\(Self.plain($0.value, ":.[]/-"))" }
                suffix = "|#" + tags.joined(separator: ",")
            }
        case .inNames:
            for label in series.labels { name += "." + Self.plain(label.value, "-") }
        }
        let number =
            value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
        return "\(name):\(number)|\(series.isCounter ? "c" : "g")\(suffix)"
    }

    /// `value` with what is neither a letter, a digit, `_` nor one of `allowed` as `_`.
    private static func plain(_ value: String, _ allowed: String) -> String {
        String(
            value.map { character in
                let isPlain = character.isASCII && (character.isLetter || character.isNumber)
                return isPlain || allowed.contains(character) ? character : "_"
            })
    }

    /// One line of `/metrics`.
    private struct Series {
        /// The line up to its value.
        let key: Substring
        let name: Substring
        var labels: [(name: Substring, value: String)] = []
        let value: Double
        var isCounter = false

        /// Nil for lines that are not sent: buckets, and values that are no numbers.
        init?(_ line: Substring, _ kinds: [Substring: Substring]) {
            guard let space = line.lastIndex(of: " "),
                let value = Double(line[line.index(after: space)...]), value.isFinite
            else { return nil }
            self.value = value
            key = line[..<space]
            let brace = key.firstIndex(of: "{") ?? key.endIndex
            name = key[..<brace]
            if let kind = kinds[name] {
                isCounter = kind == "counter"
            } else if name.hasSuffix("_sum") || name.hasSuffix("_count") {
                isCounter = true
            } else {
                return nil
            }
            if brace < key.endIndex { readLabels(key[key.index(after: brace)...]) }
        }

        /// `a="x",b="y\"z"}`.
        private mutating func readLabels(_ text: Substring) {
            var rest = text
            while let equals = rest.firstIndex(of: "=") {
                let name = rest[..<equals]
                rest = rest[equals...].dropFirst(2)
                var value = ""
                var isEscaped = false
                while let character = rest.popFirst(), isEscaped || character != "\"" {
                    isEscaped = !isEscaped && character == "\\"
                    if !isEscaped { value.append(character) }
                }
                labels.append((name, value))
                if rest.first == "," { rest = rest.dropFirst() }
            }
        }
    }

    /// Datagrams, each with as many lines as it holds.
    private struct Packets {
        var all: [[UInt8]] = []

        mutating func add(_ line: String) {
            let bytes = Array(line.utf8)
            guard bytes.count <= StatsDText.datagramBytesMax else { return }
            if let last = all.last, last.count + 1 + bytes.count <= StatsDText.datagramBytesMax {
                all[all.count - 1] += [0x0A] + bytes
            } else {
                all.append(bytes)
            }
        }
    }
}
