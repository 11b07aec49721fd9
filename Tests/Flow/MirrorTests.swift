// Copies of requests for another service: `mirror` before real clients.

import Glibc
import TestSupport
import Testing

extension Flow {
    // Goal: a service sees what the backend sees, by both versions of HTTP and with bodies of
    // either framing, and no client sees anything of it. Method: curl, and two servers that write
    // down what came.
    @Suite struct Mirrors {
        @Test func `a service gets copies, and clients nothing of it`() throws {
            try withStage { stage in
                let web = stage.hold(try RecordingBackend())
                let shadow = stage.hold(try RecordingBackend())
                let folder = stage.hold(try TemporaryFolder())
                let ports = try (0..<2).map { _ in try FreePort.take() }
                let path = try folder.write(
                    """
                    admin: 127.0.0.1:\(ports[0])
                    services:
                      web: {backends: ["127.0.0.1:\(web.port)"], check: {type: off}}
                      shadow: {backends: ["127.0.0.1:\(shadow.port)"], check: {type: off}}
                    listeners:
                      - listen: 127.0.0.1:\(ports[1])
                        routes:
                          - {path: /none, service: web, mirror: {service: shadow, percent: 0%}}
                          - {service: web, mirror: {service: shadow, body: 1KiB}}
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
                try fairlead.waitForBackends(up: 2)
                let site = "http://127.0.0.1:\(ports[1])"

                for version in ["--http1.1", "--http2-prior-knowledge"] {
                    for (path, arguments) in [
                        ("/get", []), ("/post", ["-d", "a=b"]),
                        ("/put", ["-X", "PUT", "-H", "Transfer-Encoding: chunked", "-d", "c=d"]),
                        ("/large", ["-d", String(repeating: "x", count: 1025)]), ("/none", []),
                    ] as [(String, [String])] {
                        let answer = try RunningProcess(
                            ["curl", "-sS", "--max-time", "20", version] + arguments
                                + ["\(site)\(path)"])
                        _ = try answer.waitForExit()
                        #expect(answer.transcript == "ok", "\(version) \(path)")
                    }
                    let originals = web.take()
                    #expect(originals.count == 5)
                    var copies: [String] = []
                    try waitFor("the copies") { () -> Void? in
                        copies += shadow.take()
                        return copies.count == 3 ? () : nil
                    }
                    for copy in copies {
                        #expect(copy.contains(", x-fairlead-mirror: 1"), "\(copy)")
                        let plain = copy.split(separator: ", x-fairlead-mirror: 1").joined()
                        #expect(originals.contains(plain), "\(copy) of \(originals)")
                    }
                    #expect(!copies.contains { $0.contains("/large") || $0.contains("/none") })
                }
                try fairlead.expectMetric(
                    "fairlead_mirrored_requests_total", "service=\"shadow\",result=\"sent\"", is: 6)
                try fairlead.expectMetric(
                    "fairlead_mirrored_requests_total", "service=\"shadow\",result=\"left_out\"",
                    is: 2)
                try fairlead.expectMetric("fairlead_requests_total", "service=\"web\"", is: 10)
                try fairlead.expectMetric("fairlead_requests_total", "service=\"shadow\"", is: 6)
            }
        }
    }
}
