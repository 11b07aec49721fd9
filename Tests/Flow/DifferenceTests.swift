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
                let seen = try Hostile.all.map { heading, requests in
                    (heading, try requests.map { try look($0, proxies) })
                }
                for each in seen.flatMap(\.1) { check(each) }
                let reasons = seen.flatMap(\.1).flatMap { $0.peers.compactMap(\.reason) }
                for reason in Hostile.Reason.allCases {
                    #expect(reasons.contains(reason), "“\(reason.rawValue)” is given for nothing")
                    #expect(!reason.text.isEmpty, "“\(reason.rawValue)” says nothing")
                }
                let table = markdown(seen)
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
        private func look(_ request: Hostile, _ proxies: [RecordedProxy]) throws -> Seen {
            let first = Seen(
                request: request,
                outcomes: try Outcome.of(request.bytes, through: proxies, quiet: 250))
            if first.isAsTold { return first }
            return Seen(
                request: request,
                outcomes: try Outcome.of(request.bytes, through: proxies, quiet: 2_000))
        }

        private func check(_ seen: Seen) {
            let what = seen.request.what
            #expect(seen.outcomes[0].description == seen.request.fairlead, "\(what)")
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

        private func markdown(_ seen: [(String, [Seen])]) -> String {
            var lines = [
                "# Hostile requests: Fairlead, HAProxy, nginx", "",
                "What becomes of each request: the statuses that the client gets, what becomes of "
                    + "its connection, and what reaches the backend. Framing and the fields that "
                    + "proxies add are left out. An empty cell is the same as Fairlead's; in "
                    + "brackets stands why a cell is not. HAProxy and nginx are Debian 12's, set "
                    + "up as their manuals do. `DifferenceTests` writes and checks this file.",
            ]
            for (heading, requests) in seen {
                lines += ["", "## \(heading)", "", "| request | Fairlead | HAProxy | nginx |"]
                lines.append("|---|---|---|---|")
                for each in requests {
                    let cells = each.peers.map { peer in
                        peer.reason.map { "\(cell(peer.outcome)) [\($0.rawValue)]" } ?? ""
                    }
                    let row = [each.request.what, cell(each.outcomes[0])] + cells
                    lines.append("| \(row.joined(separator: " | ")) |")
                }
            }
            lines += ["", "## Why they differ", ""]
            lines += Hostile.Reason.allCases.map { "- **\($0.rawValue)**: \($0.text)" }
            return lines.joined(separator: "\n") + "\n"
        }

        /// An outcome as a cell shows it: a request with many fields is cut.
        private func cell(_ outcome: Outcome) -> String {
            let text = outcome.description
            return text.count > 150 ? "\(text.prefix(150))…" : text
        }
    }
}
