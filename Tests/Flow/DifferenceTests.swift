// Fairlead beside HAProxy and nginx, given the same hostile requests. differences.md is what this
// test has seen, for people to read; FAIRLEAD_WRITE_DIFFERENCES=1 writes it again.

internal import FoundationEssentials
internal import Glibc
import Testing

extension Flow {
    // Goal: where Fairlead stands alone, or another proxy does, is known and is on purpose.
    // Method: each proxy before a backend that records; a difference needs a reason, and a reason a
    // difference.
    @Suite struct Differences {
        private static let path =
            "\(#filePath.dropLast("DifferenceTests.swift".count))differences.md"

        /// What the three did with one request.
        private struct Seen {
            let request: Hostile
            let outcomes: [Outcome]
            /// What Fairlead does with the same by HTTP/2; nil where that can't be said.
            var http2: Outcome?

            /// The peers, with the reason to differ that the table gives.
            var peers: [(name: String, outcome: Outcome, reason: Hostile.Reason?)] {
                [
                    ("HAProxy", outcomes[1], request.haproxy),
                    ("nginx", outcomes[2], request.nginx),
                ]
            }

            /// Whether the table tells all of it.
            var isAsTold: Bool {
                outcomes[0].description == request.fairlead
                    && peers.allSatisfy { ($0.outcome != outcomes[0]) == ($0.reason != nil) }
            }
        }

        @Test func `what differs from HAProxy and nginx has a reason`() throws {
            try withStage { stage in
                let proxies = try proxies(on: stage)
                let seen: [(String, [Seen])] = try Hostile.all.map { heading, requests in
                    // What one connection of HTTP/1.1 says in turn, streams say beside each other.
                    let hasStreams = heading != "Connections"
                    return (heading, try requests.map { try look($0, proxies, hasStreams) })
                }
                for each in seen.flatMap(\.1) { check(each) }
                let streams = try HostileStream.all.map { heading, requests in
                    (heading, try requests.map { ($0, try look($0, proxies[0])) })
                }
                let reasons = seen.flatMap(\.1).flatMap { $0.peers.compactMap(\.reason) }
                for reason in Hostile.Reason.allCases {
                    #expect(reasons.contains(reason), "“\(reason.rawValue)” is given for nothing")
                    #expect(!reason.text.isEmpty, "“\(reason.rawValue)” says nothing")
                }
                let table = markdown(seen, streams)
                if unsafe getenv("FAIRLEAD_WRITE_DIFFERENCES") != nil {
                    try Data(table.utf8).write(to: URL(filePath: Self.path))
                }
                #expect(
                    readFile(Self.path) == table,
                    "differences.md is not what was seen: FAIRLEAD_WRITE_DIFFERENCES=1 writes it")
            }
        }

        private func proxies(on stage: Stage) throws -> [RecordedProxy] {
            let backends = try (0..<3).map { _ in stage.hold(try RecordingBackend()) }
            let fairlead = try stage.fairlead(uncheckedOver: backends[0].port)
            let haproxy = stage.hold(try Peer.haproxy(over: backends[1].port))
            let nginx = stage.hold(try Peer.nginx(over: backends[2].port))
            return zip([fairlead.port, haproxy.port, nginx.port], backends)
                .map { RecordedProxy(port: $0, backend: $1) }
        }

        /// A second look, with more patience, when the first is not as told: on a busy machine a
        /// connection may be closed later than it should.
        private func look(
            _ request: Hostile, _ proxies: [RecordedProxy], _ hasStreams: Bool
        ) throws -> Seen {
            var seen = Seen(
                request: request,
                outcomes: try Outcome.of(request.bytes, through: proxies, quiet: 250))
            if !seen.isAsTold {
                seen = Seen(
                    request: request,
                    outcomes: try Outcome.of(request.bytes, through: proxies, quiet: 2_000))
            }
            if hasStreams, let attempt = HTTP2Attempt(sameAs: request.bytes) {
                seen.http2 = try Outcome.of(attempt, through: proxies[0])
            }
            return seen
        }

        /// What Fairlead does with a request that only HTTP/2 can say.
        private func look(_ request: HostileStream, _ fairlead: RecordedProxy) throws -> Outcome {
            let isCut = request.outcome.contains("cut short")
            let outcome = try Outcome.of(
                request.attempt, through: fairlead, reaching: isCut ? 1 : 0)
            #expect(outcome.description == request.outcome, "\(request.what)")
            return outcome
        }

        private func check(_ seen: Seen) {
            let what = seen.request.what
            #expect(seen.outcomes[0].description == seen.request.fairlead, "\(what)")
            // By whatever HTTP it comes: what is refused is refused, and there is one reading of
            // what is not.
            if let http2 = seen.http2, !http2.backend.isEmpty {
                #expect(http2.backend == seen.outcomes[0].backend, "\(what), by HTTP/2")
            }
            for peer in seen.peers {
                let isDifferent = peer.outcome != seen.outcomes[0]
                if isDifferent, peer.reason == nil {
                    Issue.record("\(what): \(peer.name) differs without a reason: \(peer.outcome)")
                } else if !isDifferent, let reason = peer.reason {
                    Issue.record(
                        "\(what): \(peer.name) does the same, despite “\(reason.rawValue)”")
                }
            }
        }

        private func markdown(
            _ seen: [(String, [Seen])], _ streams: [(String, [(HostileStream, Outcome)])]
        ) -> String {
            var lines = [
                "# Hostile requests: Fairlead, HAProxy, nginx", "",
                "What becomes of each request: the statuses that the client gets, what becomes of "
                    + "its connection, and what reaches the backend. Framing and the fields that "
                    + "proxies add are left out. An empty cell is the same as Fairlead's; in "
                    + "brackets stands why a cell is not. HAProxy and nginx are Debian 12's, set "
                    + "up as their manuals do. The second column is Fairlead's for the same by "
                    + "HTTP/2, “–” where HTTP/2 has no way to say it. `DifferenceTests` writes and "
                    + "checks this file.",
            ]
            for (heading, requests) in seen {
                lines += ["", "## \(heading)", ""]
                lines.append("| request | Fairlead | by HTTP/2 | HAProxy | nginx |")
                lines.append("|---|---|---|---|---|")
                for each in requests {
                    let cells = each.peers.map { peer in
                        peer.reason.map { "\(cell(peer.outcome)) [\($0.rawValue)]" } ?? ""
                    }
                    let http2 = each.http2.map { $0 == each.outcomes[0] ? "" : cell($0) } ?? "–"
                    let row = [each.request.what, cell(each.outcomes[0]), http2] + cells
                    lines.append("| \(row.joined(separator: " | ")) |")
                }
            }
            for (heading, requests) in streams {
                lines += ["", "## \(heading)", "", "| request | Fairlead |", "|---|---|"]
                lines += requests.map { "| \($0.what) | \(cell($1)) |" }
            }
            lines += ["", "## Why they differ", ""]
            lines += Hostile.Reason.allCases.map { "- **\($0.rawValue)**: \($0.text)" }
            return lines.joined(separator: "\n") + "\n"
        }

        /// An outcome as a cell shows it: a request with many fields is cut.
        private func cell(_ outcome: Outcome) -> String {
            let text = outcome.description.replacing("\r\n", with: " ")
            return text.count > 150 ? "\(text.prefix(150))…" : text
        }
    }
}
