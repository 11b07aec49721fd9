// TopView: what `fairlead top` draws, as lines: what is wrong first, then services with their
// backends. Pure: two answers of /stats in, text out. Text that came from elsewhere, such as a host
// name of DNS, gets no control character into the terminal.

import JSON

/// The part of `/stats` that is drawn.
struct TopStats: Decodable {
    struct Problem: Decodable {
        let level: String
        let text: String
    }

    struct Durations: Decodable {
        let median: Double?
        let p99: Double?
    }

    struct WithoutTurn: Decodable {
        let seconds: Int
        let text: String
    }

    struct Backend: Decodable {
        let key: String
        let address: String
        let state: String
        let cause: String
        let weight: Int
        let requests: Int
        let inFlight: Int
        let failures: Int
        let connectionFailures: Int
        let serverErrors: Int
        let recentChecks: String
        /// Nil while it gets requests, and from an older Fairlead.
        let withoutTurn: WithoutTurn?
        let firstByteMilliseconds: Durations
    }

    struct Service: Decodable {
        let name: String
        let mode: String
        let inRotation: Int
        let requests: Int
        /// Nil from an older Fairlead.
        let failed: Int?
        let inFlight: Int
        let hold: String?
        let durationMilliseconds: Durations
        let backends: [Backend]
    }

    let time: String
    let version: String
    let uptimeSeconds: Double
    let level: String
    let sentence: String
    let problems: [Problem]
    let services: [Service]

    /// What `bytes` say; nil when they are no such document.
    init?(_ bytes: [UInt8]) {
        guard let read = try? JSON.decode(Self.self, from: bytes) else { return nil }
        self = read
    }
}

/// One view.
struct TopView {
    private let stats: TopStats
    private let before: TopStats?

    /// Rates are over what happened since `before`; without it there are none.
    init(_ stats: TopStats, after before: TopStats? = nil) {
        self.stats = stats
        self.before = before
    }

    /// The lines for a screen of this many columns and rows; all of them without `rows`.
    func lines(columns: Int, rows: Int? = nil) -> [String] {
        var lines = [
            "\(Self.mark(stats.level)) \(stats.sentence)  Fairlead \(stats.version), \(clock)"
        ]
        lines += stats.problems.prefix(8).map { "  ! \($0.text)" }
        for service in stats.services {
            lines.append("")
            lines += self.lines(of: service)
        }
        if let rows, lines.count > rows {
            let left = lines.count - rows + 1
            lines = lines.prefix(rows - 1) + ["… and \(left) lines more; a taller window has them"]
        }
        return lines.map { Self.fit($0, columns) }
    }

    private var clock: String { String(stats.time.dropFirst(11).prefix(8)) + " UTC" }

    private func lines(of service: TopStats.Service) -> [String] {
        let old = before?.services.first { $0.name == service.name }
        let time = service.durationMilliseconds
        var lines = [
            "\(service.name) (\(service.mode))  "
                + "\(service.inRotation)/\(service.backends.count) in the rotation  "
                + "\(rate(service.requests, old?.requests))  "
                + "\(failed(service, old))\(service.inFlight) in flight  "
                + "50 % \(Self.milliseconds(time.median))  99 % \(Self.milliseconds(time.p99))"
        ]
        if let hold = service.hold { lines.append("  \(hold)") }
        lines.append(
            "  " + Self.row("BACKEND", "STATE", "RATE", "FLIGHT", "FAILED", "99 %", "CHECKS")
                + "CAUSE")
        let known = Dictionary(
            (old?.backends ?? []).map { ($0.key, $0.requests) }, uniquingKeysWith: { $1 })
        for backend in service.backends {
            let failed = backend.failures + backend.connectionFailures + backend.serverErrors
            let row = Self.row(
                backend.address, backend.state, rate(backend.requests, known[backend.key]),
                "\(backend.inFlight)", "\(failed)",
                Self.milliseconds(backend.firstByteMilliseconds.p99),
                String(backend.recentChecks.suffix(12)))
            let wait = backend.withoutTurn.map { "; no request for \($0.seconds) s: \($0.text)" }
            lines.append("  " + row + backend.cause + (wait ?? ""))
        }
        return lines
    }

    private static func row(_ cells: String...) -> String {
        zip(cells, [22, 11, 10, 7, 8, 9, 13]).map { cell, width in
            cell + String(repeating: " ", count: max(1, width - cell.count))
        }.joined()
    }

    private func rate(_ count: Int, _ old: Int?) -> String {
        guard let before, let old, count >= old else { return "-/s" }
        let seconds = stats.uptimeSeconds - before.uptimeSeconds
        guard seconds > 0 else { return "-/s" }
        let rate = Double(count - old) / seconds
        return rate < 10 ? "\((rate * 10).rounded() / 10)/s" : "\(Int(rate.rounded()))/s"
    }

    /// How many fail now, or, without an older picture, how many have failed so far; nothing for
    /// none.
    private func failed(_ service: TopStats.Service, _ old: TopStats.Service?) -> String {
        guard let failed = service.failed, failed > old?.failed ?? 0 else { return "" }
        return (old?.failed == nil ? "\(failed)" : rate(failed, old?.failed)) + " failed  "
    }

    private static func milliseconds(_ value: Double?) -> String {
        guard let value else { return "-" }
        return value < 10 ? "\((value * 10).rounded() / 10)ms" : "\(Int(value))ms"
    }

    private static func mark(_ level: String) -> String {
        switch level {
        case "good": "ok"
        case "warning": "!"
        default: "!!"
        }
    }

    /// Cut to the width, without what a terminal would take for a command.
    private static func fit(_ line: String, _ columns: Int) -> String {
        let plain = String(
            String.UnicodeScalarView(
                line.unicodeScalars.map { scalar in
                    scalar.properties.generalCategory == .control ? "?" : scalar
                }))
        return plain.count <= columns ? plain : plain.prefix(max(1, columns - 1)) + "…"
    }
}
