// The explanation for people, who may have been woken up for it: plain words, aligned columns, and
// the decision at the end, where the eye is.

internal import Backends
internal import DNSClient
internal import DNSWire
internal import Endpoints
internal import InstanceSources
internal import Wording

extension Explanation {
    /// Records of one section that are written; the others are only counted.
    private static let recordsMax = 40

    /// The explanation as text, with a line end after each line.
    package var text: String {
        var lines = [heading, ""]
        for server in servers {
            lines += describe(server)
            lines.append("")
        }
        lines += conclusion
        if !remarks.isEmpty {
            lines += ["", "Worth knowing"]
            lines += remarks.map { "  - \($0.text)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var heading: String {
        let service = subject.service.map { "service \($0): " } ?? ""
        let noun =
            switch subject.asked {
            case .nameservers: "nameserver"
            case .agents: "agent"
            case .engines: "engine"
            case .nobody: ""
            }
        guard !noun.isEmpty else { return "\(service)\(subject.summary)" }
        let count = servers.count == 1 ? "1 \(noun)" : "\(servers.count) \(noun)s"
        return "\(service)\(subject.summary), asked of \(count)"
    }

    // MARK: - A server

    private func describe(_ server: Server) -> [String] {
        var lines = [server.name] + server.notes.map { "  \($0)" }
        for answer in server.answers { lines += describe(answer) }
        if server.answers.isEmpty, subject.asked == .nameservers {
            lines.append("  nothing was asked")
        }
        if let failure = server.status.health.lastFailure,
            server.answers.allSatisfy({ $0.message == nil })
        {
            lines.append("    the last that happened: \(failure.what)")
        }
        switch server.result {
        case .instances(let instances): lines.append("  => \(instances.count) \(members)")
        case .failure(let failure): lines.append("  => no \(members): \(failure)")
        case nil: break
        }
        return lines
    }

    private var isOfEngine: Bool { if case .engines = subject.asked { true } else { false } }
    private var members: String { isOfEngine ? "containers that serve" : "instances" }

    private func describe(_ answer: DNSAnswer) -> [String] {
        let question = "\(answer.question.type) \(answer.question.name)"
        guard let message = answer.message, let transport = answer.transport else {
            return ["  \(question)  \(answer.outcome)"]
        }
        var head = [
            "  \(question)", transport.name, "\(message.responseCode)",
            message.flags.names.joined(separator: " "),
            "\(answer.octets) of \(answer.octetsMax) octets", answer.roundTrip.spoken,
        ]
        if answer.wasTruncated { head.append("after TC over UDP") }
        if message.edns == nil { head.append("no EDNS") }
        var lines = [head.joined(separator: "  ")]
        let sections = [
            ("answer", message.answers), ("authority", message.authorities),
            ("additional", message.additionals),
        ]
        for (name, records) in sections where !records.isEmpty {
            lines.append("    \(name), \(records.count) records")
            lines += columns(
                records.prefix(Self.recordsMax).map { record in
                    [
                        "\(record.name.lowercased)", "\(record.ttlSeconds) s", "\(record.type)",
                        record.data.text,
                    ]
                }, margin: 6)
            if records.count > Self.recordsMax {
                lines.append("      and \(records.count - Self.recordsMax) more")
            }
        }
        if !answer.outcome.hasRecords { lines.append("    that is: \(answer.outcome)") }
        return lines
    }

    // MARK: - The conclusion

    private var conclusion: [String] {
        guard let decisive else {
            switch subject.asked {
            case .agents: return ["There is no agent to ask."]
            case .engines: return ["There is no engine to ask."]
            case .nameservers, .nobody: return ["There is no nameserver to ask."]
            }
        }
        guard subject.makesInstances else {
            return [
                """
                Fairlead makes backends of SRV records; of A and AAAA records with a port, in a list \
                of backends. This was only asked.
                """
            ]
        }
        let server = servers[decisive].name
        var lines = ["What Fairlead makes of it, by the answer of \(server)"]
        if isOfEngine, failure?.kind == .nodata {
            lines.append(
                "  no backends: no container of it serves; those that are known from before drain "
                    + "now")
        } else if let failure {
            lines.append("  no backends: \(failure)")
            lines.append(
                "  backends known from before stay for \(subject.roster.holds[failure.kind].spoken)"
                    + afterHold)
        } else {
            lines += shareTable
        }
        if let refresh {
            let wait = refresh.wait == .zero ? "at once" : "after \(refresh.wait.spoken)"
            let jitter =
                refresh.jitterPercent == 0 ? "" : ", give or take \(refresh.jitterPercent) %"
            lines.append("  asked again \(wait)\(jitter): \(refresh.reason)")
        }
        if failure == nil { lines += holdLines }
        return lines
    }

    private var shareTable: [String] {
        let header = ["tier", "priority", "backend", "weight", "turns", "share", "found as"]
        let rows = shares.map { share in
            [
                "\(share.tier)", "\(share.priority)", "\(share.endpoint)",
                share.weights.map(String.init).joined(separator: "+"), "\(share.effectiveWeight)",
                "\(percentText(share.percent)) %" + (share.tier > 1 ? " in reserve" : ""),
                share.hostName.isEmpty ? share.container ?? "" : share.hostName,
            ]
        }
        // A column that says nothing is left out.
        let isFound = rows.contains { $0.last?.isEmpty == false }
        let table = [header] + rows
        return columns(isFound ? table : table.map { $0.dropLast() }, margin: 2)
    }

    private var holdLines: [String] {
        let rows = holds.map { kind, duration in
            [isOfEngine ? kind.meaningOfEngine : kind.meaning, duration.spoken]
        }
        let end =
            subject.roster.keepsPassingAfterHold
            ? "and what passes its checks stays after that" : "after that everything goes"
        return ["  what stays, should lookups go wrong"] + columns(rows, margin: 4) + ["    \(end)"]
    }

    private var afterHold: String {
        subject.roster.keepsPassingAfterHold
            ? ", and after that while they pass their checks" : ", and go after that"
    }
}

extension HoldKind {
    /// For the table of holds of an engine, which speaks HTTP.
    fileprivate var meaningOfEngine: String {
        switch self {
        case .servfail: "the engine fails (500)"
        case .refused: "the engine refuses (403)"
        case .unreachable: "the engine can't be reached"
        case .nxdomain, .nodata, .otherCode, .timeout, .malformed, .massLoss: meaning
        }
    }

    /// For the table of holds.
    fileprivate var meaning: String {
        switch self {
        case .nxdomain: "the name does not exist (NXDOMAIN)"
        case .nodata: "no records (NODATA)"
        case .servfail: "the server fails (SERVFAIL)"
        case .refused: "the server refuses (REFUSED)"
        case .otherCode: "another code"
        case .timeout: "no answer in time"
        case .malformed: "answers that can't be read"
        case .unreachable: "no server can be reached"
        case .massLoss: "more than half are gone at once"
        }
    }
}
