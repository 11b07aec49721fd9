// Goal: the short snapshot leads to the same verdict as the full one. Method: a running program
// with a service of each kind of trouble; the verdict by counts beside that by all backends.

import Admin
import Backends
import Endpoints
import TestBackend
import TestSupport
import Testing

@testable import Control

@Suite struct SnapshotTests {
    @Test("the verdict by counts is the verdict by all backends")
    func verdicts() throws {
        let good = try TestBackend(TestBackendOptions(on: Endpoint(.loopback, 0), name: "good"))
        defer { good.stop() }
        // Other tests listen on 127.0.0.1 and on ports that the kernel gives out.
        let closed = (1...9).map { "\"127.0.77.\($0):9\"" }
        let quick = "check: {interval: 100ms}"
        func service(_ name: String, _ backends: [String]) -> String {
            "  \(name): {backends: [\(backends.joined(separator: ", "))], \(quick)}\n"
        }
        let well = "\"\(good.endpoint)\""
        let services =
            service("well", [well]) + service("some", [well] + closed.prefix(2))
            + service("one", [closed[0]]) + service("few", Array(closed.prefix(3)))
            + service("many", closed) + service("most", [well] + closed)
        let listeners = ["well", "some", "one", "few", "many", "most"].map {
            "  - {name: \($0), listen: \"127.0.0.1:0\", service: \($0)}\n"
        }
        try withPlane("services:\n\(services)listeners:\n\(listeners.joined())") { plane in
            try plane.wait(until: "the closed ports are out, and the verdicts are alike") { plane in
                let all = plane.services.all
                let out = all.map(\.roster.outCount)
                guard out == [0, 2, 1, 3, 9, 9] else { return false }
                // Ages are those of two moments, which may be those of two seconds.
                return AdminVerdict(plane.reports.snapshots.snapshot(.verdict))
                    == AdminVerdict(plane.reports.snapshots.snapshot(.everything))
            }
            let texts = try plane.perform {
                AdminVerdict($0.reports.snapshots.snapshot(.verdict)).problems.map(\.text)
            }
            #expect(texts.contains { $0.hasPrefix("some: ") && $0.contains(" has been ") })
            #expect(texts.contains { $0.hasPrefix("many: 9 of 9 backends are down or ejected") })
            #expect(texts.contains { $0.hasPrefix("most: 9 of 10 backends are down or ejected") })
        }
    }
}
