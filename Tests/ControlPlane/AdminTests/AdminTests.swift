// Goal: the admin port answers each path from the snapshot, and only clients that have access.
// Method: fixed snapshots served over a loopback socket on a loop turned by the test, with
// HTTPClient; texts are compared as a whole where they are a contract.

import Admin
import Backends
import Endpoints
import Events
import HTTP1
import HTTPClient
import HTTPServer
import Stats
import Testing

@Suite struct AdminTests {
    private let loop = EventLoop()

    /// The admin port's answer to one request.
    private func ask(
        _ path: String, _ method: Method = .get, host: String? = nil,
        _ snapshot: AdminSnapshot = Sample.troubled
    ) throws -> (response: HTTPClient.Response, text: String) {
        try AdminFixture(loop: loop, snapshot: snapshot).ask(path, method, host: host)
    }

    // MARK: Paths and methods

    @Test(
        "every path answers GET, and HEAD with the same head and no body",
        arguments: [
            "/", "/stats", "/services", "/services/web", "/backends",
            "/backends/web@127.0.0.1:9001",
            "/discovery", "/config", "/events", "/openapi.json", "/metrics", "/health/live",
            "/health/ready",
            "/stats?x",
        ])
    func paths(path: String) throws {
        let got = try ask(path, .get, Sample.healthy)
        let headed = try ask(path, .head, Sample.healthy)
        #expect(got.response.status == 200)
        #expect(headed.response.status == 200)
        #expect(headed.text.isEmpty)
        #expect(headed.response.field("content-type") == got.response.field("content-type"))
        #expect(headed.response.field("content-length") == got.response.field("content-length"))
        #expect(got.response.field("cache-control") == "no-store")
    }

    @Test("the answer to another path or method lists what there is")
    func unknown() throws {
        for path in ["/nothing", "/Stats", "/stats/", "//"] {
            let answer = try ask(path)
            #expect(answer.response.status == 404)
            #expect(answer.text.contains("/health/ready, "))
        }
        let answer = try ask("/stats", .post)
        #expect(answer.response.status == 405)
        #expect(answer.response.field("allow") == "GET, HEAD")
        #expect(
            answer.text == #"{"error":"Nothing can be changed here.","expected":"GET or HEAD"}"#
                + "\n")
    }

    @Test("a request for a foreign host name is refused, with the reason")
    func rebinding() throws {
        let answer = try ask("/stats", host: "evil.example:9090")
        #expect(answer.response.status == 403)
        #expect(answer.text.contains("evil.example:9090"))
        #expect(!answer.text.contains("9001"), "a refusal must tell nothing")
        #expect(try ask("/stats", host: "localhost:9090").response.status == 200)
    }

    @Test(
        "the host names under which requests are answered",
        arguments: [
            ("localhost", true), ("LOCALHOST:1", true), ("a.localhost.", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true), ("[::1]", true), ("10.0.0.1:9090", true), ("fairlead:9090", true),
            ("", true), ("10.0.0.2", false), ("localhost.evil.example", false), ("evil", false),
            ("notlocalhost", false), ("[::2]", false), ("[::1", false), ("::1", false),
            ("0x7f.1", false), (":9090", false),
        ])
    func hosts(host: String, accepted: Bool) {
        let rule = AdminHost(listeningOn: Endpoint(.v4(0x0a00_0001), 9090), names: ["Fairlead"])
        #expect(rule.accepts(host) == accepted)
    }

    @Test("on a wildcard address any address will do, but not any name")
    func wildcard() {
        for address in [IPAddress.any, .v4(0)] {
            let rule = AdminHost(listeningOn: Endpoint(address, 9090))
            #expect(rule.accepts("192.0.2.7:9090"))
            #expect(!rule.accepts("evil.example:9090"))
        }
    }

    // MARK: Health

    @Test("readiness follows the snapshot, liveness does not")
    func health() throws {
        #expect(try ask("/health/ready", .get, Sample.healthy).text == "ready\n")
        // One of two services is served: leaving would cut that one off as well.
        let orders =
            "orders: no backend is in the rotation (discovery has not answered yet); "
            + "connections to 127.0.0.1:8081 are refused.\n"
        let troubled = try ask("/health/ready")
        #expect(troubled.response.status == 200)
        #expect(troubled.text == "ready\n" + orders)
        let strict = try ask("/health/ready?when=every")
        #expect(strict.response.status == 503)
        #expect(strict.text == "not ready\n" + orders)
        #expect(try ask("/health/ready?when=all").response.status == 400)
        #expect(try ask("/health/ready?when=any", .get, Sample.healthy).text == "ready\n")
        // No service is served.
        var down = Sample.troubled
        down.services[0].backends = [Sample.backend(1, .down, age: 9, "3 checks failed in a row")]
        #expect(try ask("/health/ready", .get, down).response.status == 503)
        var draining = Sample.healthy
        draining.isDraining = true
        #expect(try ask("/health/ready", .get, draining).response.status == 503)
        #expect(try ask("/health/live", .get, draining).response.status == 200)
    }

    @Test(
        "with no backend up it is ready while requests to suspects succeed",
        arguments: [(false, true), (true, false), (false, false)])
    func emergency(isRefusing: Bool, isReady: Bool) throws {
        var snapshot = Sample.healthy
        for index in snapshot.services[0].backends.indices {
            snapshot.services[0].backends[index].state = .down
            snapshot.services[0].backends[index].isInRotation = !isRefusing
        }
        snapshot.services[0].emergency = .init(
            since: Sample.now - 60, isRefusing: isRefusing, isServed: isReady)
        let verdict = AdminVerdict(snapshot)
        #expect(verdict.isReady == isReady)
        #expect(verdict.isReadyForEvery == isReady)
        #expect(verdict.level == (isReady ? .warning : .failing))
        #expect(
            verdict.problems.contains { $0.text.contains("none has had a good answer lately") }
                == (!isRefusing && !isReady))
    }

    @Test("a new process waits for what it does not know yet, but not forever")
    func start() {
        var snapshot = Sample.troubled
        snapshot.uptimeSeconds = 2
        #expect(!AdminVerdict(snapshot).isReady, "orders may be there in a moment")
        snapshot.services[1].sources[0].lastFailureAt = Sample.now
        #expect(AdminVerdict(snapshot).isReady, "it is known that it fails")
        snapshot.services[1].backends = [Sample.backend(9, .checking, age: 1, "new")]
        #expect(!AdminVerdict(snapshot).isReady)
        snapshot.uptimeSeconds = 10
        #expect(AdminVerdict(snapshot).isReady)
    }

    @Test("a service without a listener does not make the process unready")
    func unusedService() {
        var snapshot = Sample.troubled
        snapshot.listeners.removeLast()
        #expect(AdminVerdict(snapshot).isReady)
    }

    @Test("problems are listed, the worst first")
    func verdict() {
        #expect(AdminVerdict(Sample.healthy).problems.isEmpty)
        #expect(AdminVerdict(Sample.healthy).sentence == "All services are well.")
        let verdict = AdminVerdict(Sample.troubled)
        #expect(verdict.level == .failing)
        #expect(verdict.sentence == "Requests are failing: 4 things are wrong.")
        #expect(
            verdict.problems.map(\.text) == [
                "orders: no backend is in the rotation (discovery has not answered yet); "
                    + "connections to 127.0.0.1:8081 are refused.",
                "web: discovery fails: the server failed (SERVFAIL); the last good answer is 34 s "
                    + "old, and its backends are kept.",
                "web: 127.0.0.1:9002 has been down for 2 min 14 s: 3 checks failed in a row, the "
                    + "last: connection refused.",
                "web: 127.0.0.1:9003 has been ejected for 4 s: a request could not connect: timed "
                    + "out.",
            ])
    }

    @Test("a shortage of this machine is reported, in words")
    func shortage() throws {
        var snapshot = Sample.healthy
        snapshot.shortages[0].since = snapshot.takenAt - 5
        let verdict = AdminVerdict(snapshot)
        #expect(
            verdict.problems.map(\.text)
                == ["This machine has no local ports left, for 5 s: widen the range."])
        #expect(verdict.isReady)
        #expect(try ask("/stats", .get, snapshot).text.contains("\"shortages\":{\"ports\":4}"))
    }

    @Test(
        "ages have two figures",
        arguments: [
            (-5.0, "0 s"), (0.9, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min 59 s"),
            (7200, "2 h"), (172_799, "47 h 59 min"), (172_800, "2 d"),
            (.infinity, "11574074 d 1 h"),
        ])
    func ages(seconds: Double, text: String) {
        #expect(AgeText(seconds).description == text)
    }

    // MARK: JSON

    @Test("what is known of containers is in the documents, and nothing where there are none")
    func containers() throws {
        let stats = try ask("/stats", .get, Sample.troubled).text
        #expect(
            stats.contains(
                #""metadata":{"container":"shop_web_1","health":"unhealthy","id":"4f1cdeadbeef","#
                    + #""image":"nginx:1.27","project":"shop","restarts":"3","zone":"a"}"#))
        let idle =
            #""idle":[{"ended":false,"metadata":{"id":"5f1cdeadbeef","image":"nginx:1.27"},"#
            + #""name":"shop_web_2","reason":"it is paused"},{"ended":true,"#
        #expect(stats.contains(idle))
        #expect(try ask("/discovery", .get, Sample.troubled).text.contains(idle))
        #expect(stats.contains(#""containers":{"exited":1,"running":12}"#))
        #expect(
            stats.contains(
                #""unserved":{"containers":[{"ended":false,"metadata":{"image":"app:1"},"#
                    + #""name":"plain","reason":"it has no label"}],"count":2}"#))
        let healthy = try ask("/stats", .get, Sample.healthy).text
        #expect(!healthy.contains("metadata") && !healthy.contains("idle"))
    }

    @Test("the document of backends keeps its contract")
    func backendsDocument() throws {
        var snapshot = Sample.troubled
        snapshot.services[0].backends = [snapshot.services[0].backends[1]]
        snapshot.services.removeLast()
        let expected =
            #"{"services":[{"backends":[{"active":false,"address":"127.0.0.1:9002","#
            + #""cause":"3 checks failed in a row, the last: connection refused","#
            + #""check":{"at":"2026-11-22T22:09:59.000Z","passed":false,"#
            + #""result":"connection refused"},"connectionFailures":3,"connections":0,"#
            + #""drained":false,"ejections":0,"failures":0,"firstByteMilliseconds":{},"#
            + #""hostName":"web2.node.consul","id":2,"inFlight":0,"inRotation":false,"#
            + #""key":"web@127.0.0.1:9002","named":true,"onProbation":false,"openConnections":0,"#
            + #""override":"","place":0,"priority":1,"receivedBytes":0,"recentChecks":"","#
            + #""requests":413,"sentBytes":0,"#
            + #""serverErrors":0,"sharePercent":100,"since":"2026-11-22T22:07:46.000Z","#
            + #""state":"down","weight":1}],"#
            + #""name":"web"}]}"# + "\n"
        #expect(try ask("/backends", .get, snapshot).text == expected)
    }

    @Test(
        "the document of everything has all parts",
        arguments: [
            #""time":"2026-11-22T22:10:00.000Z""#, #""ready":true"#, #""level":"failing""#,
            #""uptimeSeconds":3723.5"#, #""address":"[::]:8080""#, #""lastGoodAgeSeconds":34,"#,
            #""answers":{"good":3721,"servfail":34}"#, #""failing":true"#,
            #""text":"up to ejected"#,
            #""process":{"cpuSeconds":1.25,"#, #""median":0.80"#, #""backendError":1"#,
        ])
    func statsDocument(part: String) throws {
        #expect(try ask("/stats").text.contains(part))
    }

    // MARK: The page

    @Test("the page loads nothing else, and runs nothing but its own")
    func page() throws {
        let (response, text) = try ask("/")
        for reference in ["http://", "https://", "src=", "url(", "@import", "innerHTML", "eval("] {
            #expect(!text.contains(reference), "the page has \(reference)")
        }
        let policy = try #require(response.field("content-security-policy"))
        let nonce = try #require(policy.split(separator: "'nonce-").last?.prefix { $0 != "'" })
        #expect(policy.hasPrefix("default-src 'none'; "))
        #expect(text.contains("<script nonce=\"\(nonce)\">"))
        #expect(text.contains("<style nonce=\"\(nonce)\">"))
        #expect(!text.contains(" style=\""))
        #expect(text.components(of: "<script").count == 2, "there is more than the one script")
        let other = try ask("/").text
        #expect(other != text, "a nonce is used once")
    }

    @Test("names that contain markup are valid in JSON")
    func escaping() throws {
        let json = try ask("/stats", .get, Sample.hostile).text
        #expect(json.contains(##"<script>alert(1)</script>\"'&\\\n# x"##))
    }

    @Test("an empty process has a page, documents and metrics too")
    func empty() throws {
        let snapshot = AdminSnapshot(takenAt: 0, version: "", startedAt: 0, workers: 1)
        for path in ["/", "/stats", "/backends", "/metrics", "/health/ready"] {
            #expect(try ask(path, .get, snapshot).response.status == 200)
        }
    }

    @Test("the kernel's figures of this process can be read")
    func process() throws {
        let figures = try #require(ProcessFigures.read())
        #expect(figures.openDescriptors >= 3)
        #expect(figures.descriptorsMax >= figures.openDescriptors)
        #expect(figures.residentBytes > 1 << 20)
        #expect(figures.cpuSeconds > 0)
    }
}

extension String {
    /// Its parts between occurrences of `separator`.
    fileprivate func components(of separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}
