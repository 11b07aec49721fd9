// Ledger: what became of the transfers, and what nothing in the script explains.

internal import BenchSupport
internal import Locking

/// Counts of a run. Any thread.
final class Ledger: Sendable {
    struct Counts: Sendable {
        /// Connections that clients made, to the HTTP listener and the TCP listener.
        var connections = 0
        var streams = 0
        /// Transfers that ended in some way.
        var ended = 0
        /// Answered whole, every byte right.
        var whole = 0
        /// Of these, tunnels.
        var tunnels = 0
        /// Broken off by the script, and noticed by the client.
        var noticed = 0
        /// Broken off by the client itself.
        var left = 0
        /// Answered by Fairlead, since the backend broke off before its answer.
        var answered = 0
        /// Requests whose first byte was sent.
        var begun = 0
        /// Bytes of bodies that were compared, both ways.
        var bytes = 0
        var findings = 0
        /// Requests that the backend has seen.
        var seen: Set<String> = []
    }

    private let counts = Locked(Counts())

    var current: Counts { counts.withLock { $0 } }

    func count(_ change: (inout Counts) -> Void) { counts.withLock { change(&$0) } }

    /// Prints what can't be explained.
    func find(_ transfer: Transfer, _ side: String, _ text: String) {
        counts.withLock { $0.findings += 1 }
        say("FINDING \(transfer.name) (\(side)): \(text)\n    \(transfer.summary)")
    }

    /// A request has come to the backend; whether it is a POST that came before.
    func isRepeatedPost(_ transfer: Transfer) -> Bool {
        let isFirst = counts.withLock { $0.seen.insert(transfer.name).inserted }
        return !isFirst && transfer.method == "POST"
    }

    /// Whether the backend has seen the request.
    func hasSeen(_ transfer: Transfer) -> Bool {
        counts.withLock { $0.seen.contains(transfer.name) }
    }
}

extension Transfer {
    /// The script in a line, for the report.
    var summary: String {
        var text = "\(kind) \(method) 1.\(requestMinor) up \(requestFraming) \(up.length)"
        text += ", \(status) 1.\(responseMinor) down \(responseFraming) \(down.length)"
        if let cut = clientCut {
            text += ", client cuts at \(cut.at) by \(cut.isReset ? "RST" : "FIN")"
        }
        if let at = clientLeavesAt { text += ", client leaves at \(at)" }
        if let cut = backendCut {
            text += ", backend cuts at \(cut.at) by \(cut.isReset ? "RST" : "FIN")"
        }
        if let at = earlyAnswerAt { text += ", answered at \(at)" }
        if closes { text += ", closes" }
        if backendCloses { text += ", backend closes" }
        if halfCloses { text += ", half-closes" }
        if expectsContinue { text += ", expects 100" }
        return text
    }
}
