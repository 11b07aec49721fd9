// The kind of value that limits how many requests may come.

internal import Documents
internal import RateLimits
internal import Wording

extension ValueKind where Value == [RateRule] {
    /// Limits of requests: a list of `100/s`, and of mappings with `limit`, `by`, `burst`,
    /// `clients` and `share`.
    static var rates: Self {
        var kind = list(of: rate, countMax: ConfigurationLimits.ratesMax)
        kind.takesMapping = true
        kind.joinsMapping = true
        return kind
    }

    private static let keys = ["limit", "by", "burst", "clients", "share"]
    private static let expected =
        "{limit: 100/s}, perhaps with by: address, header NAME or all, burst: COUNT, clients: "
        + "COUNT and share: on"

    private static var rate: ValueKind<RateRule> {
        ValueKind<RateRule>(
            "`100/s`, or `{limit: 100/s, by: header NAME, burst: 200, clients: 65536}`",
            write: { $0.text }
        ) { (text) throws(Unexpected) in try rule(text) }
    }

    private static func rule(_ text: String) throws(Unexpected) -> RateRule {
        let parts = try parts(of: text)
        guard let limit = parts["limit"] else {
            throw Unexpected(
                expected: "",
                sentence: "found \(parts.keys.sorted().joined(separator: " and ")) without limit, "
                    + "expected \(expected)")
        }
        let (requests, time) = try average(limit)
        var rule = RateRule(.address, requests, per: time)
        if let by = parts["by"] { rule.scope = try scope(by) }
        if let burst = parts["burst"] {
            rule.burst = try count(burst, 1...requestsMax, "burst")
        }
        if let clients = parts["clients"] {
            guard rule.tellsApart else {
                throw Unexpected(
                    expected: "",
                    sentence: "found clients beside by: all, which tells none apart, expected one "
                        + "of them")
            }
            rule.clients = try count(clients, 100...1_048_576, "clients")
        }
        if let share = parts["share"] { rule.isShared = try isShared(share) }
        return rule
    }

    private static let requestsMax = 1_000_000_000

    /// The parts of `limit: 100/s by: all`, which a mapping comes as, and of a plain limit.
    private static func parts(of text: String) throws(Unexpected) -> [String: String] {
        var parts: [String: String] = [:]
        var name: String?
        for word in text.split(separator: " ") {
            if word.last == ":" {
                let key = String(word.dropLast())
                guard keys.contains(key), parts[key] == nil else {
                    throw Unexpected(
                        expected: "", sentence: "found \(quoted(key)), expected \(Self.expected)")
                }
                parts[key] = ""
                name = key
            } else if let name {
                let before = parts[name] ?? ""
                parts[name] = before.isEmpty ? String(word) : "\(before) \(word)"
            } else {
                return ["limit": text]
            }
        }
        return parts
    }

    /// `100/s`, `10/m`, `1000/h`, `5/10s`.
    private static func average(_ text: String) throws(Unexpected) -> (Int, Duration) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, let requests = Units.digits(parts[0]),
            (1...requestsMax).contains(requests),
            let time = Units.duration(
                parts[1].first?.isNumber == true ? String(parts[1]) : "1\(parts[1])"),
            time >= .milliseconds(1), time <= .seconds(86400)
        {
            return (requests, time)
        }
        throw Unexpected(
            expected: "",
            sentence: "found \(quoted(text)), expected a limit such as 100/s, 10/m, 1000/h or "
                + "5/10s, in 24h at most")
    }

    private static func scope(_ text: String) throws(Unexpected) -> RateRule.Scope {
        let words = text.split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("address", 1): return .address
        case ("all", 1): return .all
        case ("header", 2) where isToken(words[1]): return .field(words[1].lowercased())
        default:
            throw Unexpected(
                expected: "",
                sentence: "found by: \(quoted(text)), expected address, header NAME or all")
        }
    }

    private static func isShared(_ text: String) throws(Unexpected) -> Bool {
        switch text {
        case "on": true
        case "off": false
        default:
            throw Unexpected(
                expected: "", sentence: "found share: \(quoted(text)), expected on or off")
        }
    }

    private static func count(
        _ text: String, _ range: ClosedRange<Int>, _ key: String
    ) throws(Unexpected) -> Int {
        guard let count = Units.digits(text), range.contains(count) else {
            throw Unexpected(
                expected: "",
                sentence: "found \(key): \(quoted(text)), expected \(range.lowerBound) to "
                    + "\(range.upperBound)")
        }
        return count
    }
}

extension RateRule {
    /// The one text that stands for it in a list.
    fileprivate var text: String {
        let standard = RateRule(scope, requests, per: time)
        let unit = Units.write(time)
        // 1s, 1m and 1h are just s, m and h.
        let isOne = unit.count == 2 && unit.first == "1"
        let limit = "\(requests)/\(isOne ? unit.suffix(1) : unit[...])"
        if self == RateRule(.address, requests, per: time) { return limit }
        var text = "limit: \(limit)"
        switch scope {
        case .address: break
        case .field(let name): text += " by: header \(name)"
        case .all: text += " by: all"
        }
        if burst != standard.burst { text += " burst: \(burst)" }
        if clients != standard.clients { text += " clients: \(clients)" }
        if isShared { text += " share: on" }
        return text
    }
}
