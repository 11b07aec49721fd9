// Goal: a deploy and what else happens to a service come to one end: the configuration goes before
// a deploy, a deploy before the list that it was made against, and no request fails meanwhile.
// Method: the control plane with workers and backends on real sockets.

import Admin
import Backends
import Configuration
import Endpoints
import TestBackend
import TestSupport
import Testing

@testable import Control

@Suite struct DeployTests {
    private func withBackends(_ body: ([TestBackend]) throws -> Void) throws {
        let backends = try ["a", "b", "x"].map { name in
            try TestBackend(TestBackendOptions(on: Endpoint(.loopback, 0), name: name))
        }
        defer { for backend in backends { backend.stop() } }
        try body(backends)
    }

    /// A service with these backends, checked ten times a second.
    private func text(_ backends: [TestBackend], _ more: String = "") -> String {
        let list = backends.map { "\"\($0.endpoint)\"" }.joined(separator: ", ")
        return """
            log-level: error
            services:
              web: {backends: [\(list)], check: {interval: 100ms, fast-interval: 100ms}\(more)}
            listeners:
              - {name: web, listen: "127.0.0.1:0", service: web}

            """
    }

    private func begin(
        _ plane: RunningPlane, to: [TestBackend], watch: Duration = .seconds(60)
    ) throws {
        let endpoints = to.map(\.endpoint)
        let problem = try plane.perform { plane -> String? in
            var request = AdminDeployRequest(to: endpoints)
            request.watch = watch
            let outcome = plane.deploys.begin(request, of: "web", from: .loopback)
            guard case .shown = outcome else { return "\(outcome)" }
            return nil
        }
        #expect(problem == nil)
    }

    private func wait(_ plane: RunningPlane, for phase: DeployState.Phase) throws {
        try plane.wait(until: "the deploy is \(phase)") {
            guard case .shown(let deploy) = $0.deploys.last(of: "web") else { return false }
            return deploy.phase == phase
        }
    }

    private func answers(_ plane: RunningPlane) throws -> Set<String> {
        Set(try (0..<8).map { _ in try plane.connect().ask().body })
    }

    private func waitForAnswers(_ plane: RunningPlane, _ wanted: Set<String>) throws {
        try waitUntil("answers of \(wanted)") { (try? answers(plane)) == wanted }
    }

    @Test("it moves, ends, and leaves a roster of the new ones alone")
    func good() throws {
        try withBackends { backends in
            try withPlane(text([backends[0], backends[1]])) { plane in
                try waitForAnswers(plane, ["a", "b"])
                try begin(plane, to: [backends[2]], watch: .zero)
                try wait(plane, for: .done)
                #expect(try answers(plane) == ["x"])
                try plane.wait(until: "the old ones are gone") {
                    $0.services["web"]?.roster.count == 1
                }
                let isRemembered = try plane.perform { plane in
                    plane.services["web"].flatMap { plane.deploys.sentence(about: $0) }
                }
                #expect(isRemembered?.hasPrefix("deployed to \(backends[2].endpoint) at ") == true)
            }
        }
    }

    @Test("a reload with the same list goes on with it, whatever else it changes")
    func otherOptions() throws {
        try withBackends { backends in
            let old = [backends[0]]
            try withPlane(text(old)) { plane in
                try begin(plane, to: [backends[2]], watch: .zero)
                try wait(plane, for: .done)
                try plane.apply(text(old, ", addresses: ipv6-first"))
                try plane.apply(text(old, ", retry: {attempts: 2}"))
                #expect(try answers(plane) == ["x"])
            }
        }
    }

    @Test(
        "a reload with another list goes before it, under way or over",
        arguments: [DeployState.Phase.watching, .done])
    func otherList(phase: DeployState.Phase) throws {
        try withBackends { backends in
            try withPlane(text([backends[0]])) { plane in
                try begin(
                    plane, to: [backends[2]], watch: phase == .done ? .zero : .seconds(60))
                try wait(plane, for: phase)
                try plane.apply(text([backends[1]]))
                try waitForAnswers(plane, ["b"])
                if phase == .watching { try wait(plane, for: .undone) }
                let sentence = try plane.perform { plane in
                    plane.services["web"].flatMap { plane.deploys.sentence(about: $0) }
                }
                #expect(sentence == nil)
                // The list of the deploy's time is not what it was made against any more.
                try plane.apply(text([backends[0]]))
                try waitForAnswers(plane, ["a"])
            }
        }
    }

    @Test("a service that goes ends its deploy, and one that comes back has its list")
    func removed() throws {
        try withBackends { backends in
            let other = text([backends[1]]).replacing("web: {backends", with: "other: {backends")
                .replacing("service: web", with: "service: other")
            try withPlane(text([backends[0]])) { plane in
                try begin(plane, to: [backends[2]])
                try wait(plane, for: .watching)
                try plane.apply(other)
                try waitForAnswers(plane, ["b"])
                try plane.apply(text([backends[0]]))
                try waitForAnswers(plane, ["a"])
            }
        }
    }

    @Test("a stop undoes what is under way")
    func stop() throws {
        try withBackends { backends in
            try withPlane(text([backends[0]])) { plane in
                try begin(plane, to: [backends[2]])
                try wait(plane, for: .watching)
                try plane.perform { $0.deploys.stop() }
                try wait(plane, for: .undone)
                #expect(try answers(plane) == ["a"])
                let refused = try plane.perform { plane -> Bool in
                    let request = AdminDeployRequest(to: [Endpoint(.loopback, 9)])
                    guard case .refused = plane.deploys.begin(request, of: "web", from: .loopback)
                    else { return false }
                    return true
                }
                #expect(refused)
            }
        }
    }

    @Test("without checks a new one has to accept a connection first")
    func unchecked() throws {
        try withBackends { backends in
            try withPlane(
                text([backends[0]], "").replacing(
                    "check: {interval: 100ms, fast-interval: 100ms}", with: "check: {type: off}")
            ) { plane in
                try begin(plane, to: [backends[2]], watch: .zero)
                try wait(plane, for: .done)
                #expect(try answers(plane) == ["x"])
                let gone = try TestBackend(
                    TestBackendOptions(on: Endpoint(.loopback, 0), name: "gone"))
                let dead = gone.endpoint
                gone.stop()
                try plane.perform { plane in
                    var request = AdminDeployRequest(to: [dead])
                    request.timeout = .seconds(1)
                    _ = plane.deploys.begin(request, of: "web", from: .loopback)
                }
                try wait(plane, for: .undone)
                #expect(try answers(plane) == ["x"])
            }
        }
    }
}
