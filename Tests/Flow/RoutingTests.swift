// Routes, in the built program and by its file: what an operator writes is what clients get.

internal import Glibc
import Testing

extension Flow {
    // Goal: one listener in front of two services, a redirect and a fixed response.
    // Method: a configuration file, nginx as either service.
    @Suite struct Routing {
        @Test func `requests go where the file says`() throws {
            try withStage { stage in
                let web = try stage.web("site", "api")
                let folder = stage.hold(try TemporaryFolder())
                let file = try folder.write(
                    """
                    admin: 127.0.0.1:\(try FreePort.take())
                    workers: 1
                    services:
                      site: {backends: ["127.0.0.1:\(web[0].port)"]}
                      api: {backends: ["127.0.0.1:\(web[1].port)"]}
                    listeners:
                      - listen: 127.0.0.1:\(try FreePort.take())
                        routes:
                          - {path-prefix: /, service: site}
                          - path-prefix: /api
                            service: api
                            strip-prefix: on
                            response-headers: {set: {X-From: api}}
                          - {host: "*.old.test", redirect: {to: "http://new.test{path}", status: 301}}
                          - {path: /ping, respond: {status: 200, body: pong}}
                          - {path: /only, methods: [PUT], respond: {status: 204}}
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", file]))
                try fairlead.waitForBackends(up: 2)
                let client = try HTTPConnection(port: fairlead.port)
                for _ in 0..<2 {
                    #expect(try client.request("GET", "/").body == "site")
                    #expect(try client.request("GET", "/apix").body == "site")
                    let api = try client.request("GET", "/api/")
                    #expect(api.body == "api")
                    #expect(api["x-from"] == "api")
                    #expect(try client.request("GET", "/ping").body == "pong")
                    #expect(try client.request("PUT", "/only").status == 204)
                    #expect(try client.request("GET", "/only").body == "site")
                }
                let raw = try RawSocket(port: fairlead.port)
                try raw.send("GET /a HTTP/1.1\r\nHost: x.old.test\r\nConnection: close\r\n\r\n")
                let moved = String(decoding: try raw.receiveToEnd(), as: UTF8.self)
                #expect(moved.hasPrefix("HTTP/1.1 301 "))
                #expect(moved.contains("\r\nLocation: http://new.test/a\r\n"))
                try fairlead.expectMetric("fairlead_listener_own_answers_total", is: 5)
                try fairlead.expectMetric("fairlead_requests_total", "service=\"api\"", is: 2)
            }
        }
    }
}
