// Goal: a reload takes effect as a whole or not at all, and its outcome is reported everywhere.
// Method: the control plane with its file on disk, backends on real sockets.

import Admin
import Configuration
import Documents
import Endpoints
import Stats
import TestBackend
import TestSupport
import Testing

@testable import Control

@Suite struct ReloadTests {
    private static let head = "workers: 2\nadmin: off\nlog-level: error\n"

    /// Runs `body` with a program whose configuration is in a file, a backend that answers `first`,
    /// and what makes a text of what stands behind its service.
    private func withFile(
        environment: [String: String] = [:], head: String = Self.head,
        _ body: (RunningPlane, ConfigurationFile, (String) -> String) throws -> Void
    ) throws {
        let backend = try TestBackend(
            TestBackendOptions(on: Endpoint(.loopback, 0), name: "first"))
        defer { backend.stop() }
        let text = { (more: String) in
            head + """
                services:
                  a: {backends: ["\(backend.endpoint)"]\(more)}
                listeners:
                  - {name: web, listen: "127.0.0.1:0", service: a}

                """
        }
        let file = try ConfigurationFile(text(""))
        let all = environment.merging(["FAIRLEAD_CONFIG": file.path]) { $1 }
        let origin = ConfigurationOrigin(environment: all).readAnew()
        let plane = try RunningPlane(origin.load([]).configuration, origin: origin)
        defer { plane.stop() }
        try body(plane, file, text)
    }

    private func reload(_ plane: RunningPlane) throws -> ReloadOutcome {
        try plane.perform { try #require($0.follower).reload() }
    }

    private func reloads(_ plane: RunningPlane) throws -> AdminSnapshot.Reloads {
        try #require(try plane.perform { $0.reports.snapshots.snapshot().reloads })
    }

    @Test("reloads are counted as unchanged, applied or refused")
    func outcomes() throws {
        try withFile { plane, file, text in
            #expect(try reload(plane) == .unchanged)
            try file.write(text(", check: {rise: 5}") + "stop-timeout: 9s\n")
            #expect(
                try reload(plane)
                    == .applied(["service a: changed (backends' rules)", "stop-timeout: changed"]))
            try file.write(text(", chek: {rise: 5}, retry: {attempts: 0}"))
            let reasons = [
                "\(file.path):5:43: services.a.chek: unknown key, expected check?",
                "\(file.path):5:73: services.a.retry.attempts: found \"0\", expected 1 to 8",
            ]
            guard case .refused(let found) = try reload(plane) else {
                Issue.record("it was not refused")
                return
            }
            // The port of the backend may have four digits.
            #expect(found.map(withoutColumn) == reasons.map(withoutColumn))
            #expect(try plane.perform { $0.running.current.stopTimeout } == .seconds(9))
            #expect(try plane.connect().ask().body == "first")

            let shown = try reloads(plane)
            #expect([shown.applied, shown.unchanged, shown.refused] == [1, 1, 1])
            #expect(shown.refusal?.reasons == found)
            let snapshot = try plane.perform { $0.reports.snapshots.snapshot() }
            let problem = try #require(
                AdminVerdict(snapshot).problems.first { $0.text.hasPrefix("A reload was refused") })
            #expect(problem.text.contains("what ran before runs on: \(found[0]) (and 1 more)"))
            #expect(!problem.blocksReadiness)

            // It stands until a reload is good, even one that changes nothing.
            try file.write(text(", check: {rise: 5}") + "stop-timeout: 9s\n")
            #expect(try reload(plane) == .unchanged)
            #expect(try reloads(plane).refusal == nil)
        }
    }

    private func withoutColumn(_ line: String) -> String {
        line.split(separator: ":").enumerated().filter { $0.offset != 2 }.map { String($0.element) }
            .joined(separator: ":")
    }

    @Test("a change that needs a restart, and a missing file, are refused by name")
    func refused() throws {
        try withFile { plane, file, text in
            try file.write(text("").replacing("workers: 2", "workers: 1"))
            #expect(
                try reload(plane)
                    == .refused([
                        "workers: can't be changed while it runs: threads are started once"
                    ])
            )
            file.remove()
            #expect(
                try reload(plane)
                    == .refused(["\(file.path): cannot be read: No such file or directory"]))
            try file.write(text(""))
            #expect(try reload(plane) == .unchanged)
        }
    }

    @Test("environment and flags take precedence as they did at the start")
    func precedence() throws {
        try withFile(environment: ["FAIRLEAD_STOP_TIMEOUT": "7s"]) { plane, file, text in
            try file.write(text("") + "stop-timeout: 9s\n")
            #expect(try reload(plane) == .unchanged)
            #expect(try plane.perform { $0.running.current.stopTimeout } == .seconds(7))
        }
    }

    @Test("documents from Consul are part of a reload, and are read with the file last applied")
    func documents() throws {
        try withFile { plane, file, text in
            func set(_ text: String) throws {
                try plane.perform { plane in
                    plane.follower?.live.set(
                        [
                            ConfigurationFragment(
                                .service("b"), NamedText(name: "kv:services/b", text: text))
                        ],
                        from: "kv")
                }
            }
            func names() throws -> [String] { try plane.perform { $0.services.all.map(\.name) } }
            try set("srv: _b.test")
            try plane.wait(until: "it is there") { $0.services["b"] != nil }
            try file.write(text(", check: {rise: 5}"))
            #expect(try reload(plane) == .applied(["service a: changed (backends' rules)"]))
            #expect(try names() == ["a", "b"])
            // A refused file is not applied with the next document.
            try file.write(text(", chek: off"))
            guard case .refused = try reload(plane) else {
                Issue.record("it was not refused")
                return
            }
            try set("srv: _c.test")
            try plane.wait(until: "it is another") {
                $0.services["b"]?.settings.sources == [.srv("_c.test")]
            }
            #expect(try reloads(plane).refusal != nil)
            // A bad document stays as it was and is reported with its place; the file and other
            // documents are applied all the same.
            try plane.perform { plane in
                let texts = ["b": "srv: no name", "c": "srv: _c.test", "d": "srvv: x"]
                plane.follower?.live.set(
                    texts.sorted { $0.key < $1.key }.map { name, text in
                        ConfigurationFragment(
                            .service(name), NamedText(name: "kv:services/\(name)", text: text))
                    }, from: "kv")
            }
            try plane.wait(until: "that is refused") {
                $0.follower?.live.outcome.isRefusing == true
            }
            try plane.wait(until: "another is taken up") { $0.services["c"] != nil }
            #expect(try names().sorted() == ["a", "b", "c"])
            try file.write(text(""))
            #expect(try reload(plane) == .applied(["service a: changed (backends' rules)"]))
            let (reasons, sources) = try plane.perform {
                (
                    $0.follower?.live.outcome.lastRefusal?.reasons ?? [],
                    $0.services["b"]?.settings.sources
                )
            }
            #expect(sources == [.srv("_c.test")])
            #expect(
                reasons.contains { $0.hasPrefix("kv:services/b:1:6: srv: found") }
                    && reasons.contains { $0.hasPrefix("kv:services/d:1:1: srvv:") }, "\(reasons)")
        }
    }

    @Test("a watched file is read when it changes, until watching is switched off")
    func watched() throws {
        try withFile(head: Self.head + "reload: {watch: on}\n") { plane, file, text in
            try file.write(text(", check: {rise: 5}"))
            try plane.wait(until: "it is read") { $0.follower?.live.reloads.applied == 1 }
            #expect(try plane.perform { $0.follower?.fileWatch != nil })
            try file.write(text("").replacing("watch: on", "watch: off"))
            try plane.wait(until: "it is read") { $0.follower?.live.reloads.applied == 2 }
            #expect(try plane.perform { $0.follower?.fileWatch == nil })
        }
    }

    @Test("a hundred reloads under load: no request fails, and nothing is left of them")
    func load() throws {
        try withFile { plane, file, text in
            let variants = [
                text(", check: {rise: 5}"),
                text("").replacing("service: a}", "service: a, limits: {connections: 500}}"),
                text("") + "  - {name: more, listen: \"127.0.0.1:0\", service: a}\n",
                text("") + "  - {name: raw, listen: \"127.0.0.1:0\", mode: tcp, service: a}\n",
            ]
            let load = Load { [port = plane.ports[0]] _ in
                let wire = try Wire(to: port)
                return {
                    let answer = try wire.ask()
                    return answer.status == 200 ? nil : "\(answer)"
                }
            }
            try load.start(clients: 4)
            for number in 0..<100 {
                try file.write(variants[number % variants.count])
                guard case .applied = try reload(plane) else {
                    Issue.record("reload \(number) is not applied")
                    break
                }
                try load.awaitMore(4)
            }
            try file.write(text(""))
            guard case .applied = try reload(plane) else {
                Issue.record("the last reload is not applied")
                return
            }
            try load.stop()
            #expect(load.failures == [])
            try plane.wait(until: "closed listeners are forgotten") {
                $0.running.publisher.published.closing.isEmpty
            }
            let snapshot = try plane.perform { $0.reports.snapshots.snapshot() }
            #expect(snapshot.listeners.map(\.name) == ["web"])
            #expect(snapshot.listeners.map(\.totals[.accepted]) == [4])
            #expect(snapshot.services.map(\.totals[.inFlight]) == [0])
            #expect(try reloads(plane).applied == 101)
        }
    }
}
