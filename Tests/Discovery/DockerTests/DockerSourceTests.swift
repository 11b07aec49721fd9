// Goal: what an engine does is with the roster at once, whole and in order, whatever becomes of the
// engine and of its stream of events. Method: a stand-in engine on a Unix socket, a source that
// follows it, and a loop that the test turns.

import Backends
import Containers
import DockerAPI
import Endpoints
import Events
import InstanceSources
import TestSupport
import Testing

@testable import Docker

@Suite final class DockerSourceTests {
    private let loop = EventLoop()
    private let engine: StandInEngine
    private let watch: DockerWatch
    private var heard: [DiscoveryAnswer] = []
    private var sources: [DockerSource] = []

    init() throws {
        engine = try StandInEngine(on: loop, name: "source")
        var options = DockerOptions(.target(engine.target))
        options.answerTimeout = .seconds(5)
        watch = DockerWatch(options, on: loop)
    }

    deinit { engine.stop() }

    private func turn(
        until what: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () -> Bool
    ) {
        guard !loop.turn(until: condition) else { return }
        Issue.record("gave up waiting until \(what)", sourceLocation: sourceLocation)
    }

    private func turn(for duration: Duration) { loop.turn(for: duration) }

    private func source(_ query: String = "web") throws -> DockerSource {
        let source = DockerSource(try DockerQuery(query), watch)
        sources.append(source)
        source.start { [unowned self] in heard.append($0) }
        return source
    }

    private var named: [String]? {
        guard case .instances(let instances)? = heard.last else { return nil }
        return instances.map { "\($0.endpoint)" }
    }

    private func instances() -> [Instance] {
        if case .instances(let instances)? = heard.last { instances } else { [] }
    }

    // MARK: What runs

    @Test func `containers are instances, with what is known of them`() throws {
        engine.run(2, "web") {
            $0.labels = ["fairlead.weight": "7", "fairlead.priority": "1"]
            $0.health = "healthy"
        }
        engine.run(3, "other")
        let source = try source()
        turn(until: "the container is there") { named == ["172.17.0.2:80"] }
        let instance = try #require(instances().first)
        #expect(instance.weight == 7)
        #expect(instance.priority == 1)
        #expect(instance.metadata["container"] == "web")
        #expect(instance.metadata["health"] == "healthy")
        #expect(instance.isPassing)
        #expect(instance.metadata["started"] == "1")
        #expect(instance.metadata["id"]?.count == 12)
        #expect(source.findings == SourceFindings())
        #expect(heard.count == 1)
        // The stream was open before the list was asked for.
        let order = engine.asked.map { $0.split(separator: "?")[0] }
        #expect(order.first == "/version")
        #expect(order.dropFirst().first == "/v1.52/events")
        #expect(engine.asked.allSatisfy { !$0.contains("exec") })
    }

    @Test func `no container is an answer, and takes all away`() throws {
        let source = try source()
        turn(until: "the engine has answered") { named == [] }
        #expect(source.isDeliberate)
        #expect(source.answersStand)
    }

    @Test func `containers come and go as they are told of`() throws {
        let source = try source()
        turn(until: "the engine has answered") { named == [] }
        let second = engine.run(2, "web")
        turn(until: "it is there") { named == ["172.17.0.2:80"] }
        engine.kill(second)
        turn(until: "it is withdrawn") { named == [] }
        #expect(
            source.findings.withdrawn.map { "\($0.key) \($0.value)" }
                == ["172.17.0.2:80 it was told to stop by signal 15"])
        #expect(engine.containers[second]?.state == "running")
        engine.die(second)
        turn(for: .milliseconds(60))
        // Where it was is known after its end, though its engine does not say any more.
        #expect(
            source.findings.withdrawn.map { "\($0.key) \($0.value)" }
                == ["172.17.0.2:80 it has ended: Exited (0)"])
        engine.remove(second)
        turn(until: "it is forgotten") { source.findings.withdrawn.isEmpty }
    }

    @Test func `what its environment says counts`() throws {
        engine.run(2, "abc") { $0.variables = ["SERVICE_NAME=web", "PASSWORD=secret"] }
        _ = try source()
        turn(until: "it is there") { named == ["172.17.0.2:80"] }
        // Without a HEALTHCHECK nothing has been checked yet.
        #expect(instances().first?.isPassing == false)
    }

    @Test func `health is advice`() throws {
        let id = engine.run(2, "web") { $0.health = "starting" }
        let source = try source()
        turn(until: "the engine has answered") { named == [] }
        #expect(source.isExpecting)
        engine.change(id, "health_status: healthy") { $0.health = "healthy" }
        turn(until: "it is there") { named == ["172.17.0.2:80"] }
        #expect(instances().first?.priority == 0)
        #expect(instances().first?.isPassing == true)
        engine.change(id, "health_status: unhealthy") { $0.health = "unhealthy" }
        turn(until: "it is behind the others") { instances().first?.priority == 0x8000 }
        #expect(instances().first?.isPassing == false)
        engine.change(id, "health_status: healthy") { $0.health = "healthy" }
        turn(until: "it is back") { instances().first?.priority == 0 }
        engine.change(id, "pause") { $0.state = "paused" }
        turn(until: "it is withdrawn") { named == [] }
        #expect(!source.findings.withdrawn.isEmpty)
        engine.change(id, "unpause") { $0.state = "running" }
        turn(until: "it is there again") { named == ["172.17.0.2:80"] }
        #expect(source.findings.withdrawn.isEmpty)
    }

    @Test func `a restart keeps the address and is another life`() throws {
        let id = engine.run(2, "web")
        let source = try source()
        turn(until: "it is there") { named == ["172.17.0.2:80"] }
        engine.kill(id)
        engine.die(id)
        turn(until: "it is withdrawn") { named == [] }
        engine.change(id, "start") {
            $0.state = "running"
            $0.startedAt = 2
        }
        turn(until: "it is there again") { named == ["172.17.0.2:80"] }
        #expect(instances().first?.metadata["started"] == "2")
        #expect(source.findings.withdrawn.isEmpty)
    }

    @Test func `a container in the network of another goes where that one goes`() throws {
        let owner = engine.run(2, "owner")
        engine.run(3, "web") { $0.networkMode = "container:\(owner)" }
        let source = try source()
        turn(until: "the owner's address") { named == ["172.17.0.2:80"] }
        engine.change(owner, "update") { $0.address = "172.17.0.9" }
        turn(until: "its new one") { named == ["172.17.0.9:80"] }
        engine.remove(owner)
        turn(until: "its loss") { named == [] }
        #expect(source.findings.omissions.examples.contains { $0.contains("is not there") })
    }

    @Test func `labels choose`() throws {
        engine.run(2, "a") { $0.labels = ["tier": "front"] }
        engine.run(3, "b") { $0.labels = ["tier": "back"] }
        engine.run(4, "c") { $0.labels = ["tier": "front", "fairlead.enable": "off"] }
        _ = try source("?label=tier=front")
        turn(until: "it is there") { named == ["172.17.0.2:80"] }
    }

    @Test func `one that can't be reached is left out with the reason`() throws {
        engine.run(2, "web") { $0.labels = ["fairlead.network": "front"] }
        let source = try source()
        turn(until: "the engine has answered") { named == [] }
        #expect(source.findings.omissions.count == 1)
        #expect(
            source.findings.omissions.examples.first?.contains("not on the network \"front\"")
                == true)
    }

    // MARK: Trouble

    @Test func `an answer that is older than a death brings nobody back`() throws {
        let id = engine.run(2, "web")
        _ = try source()
        turn(until: "it is there") { named == ["172.17.0.2:80"] }
        let question = "/v1.52/containers/\(id)/json"
        engine.held = ["/containers/\(id)"]
        engine.change(id, "rename") { $0.name = "web" }
        turn(until: "it is asked for") {
            engine.asked.filter { $0 == question }.count == 2
        }
        engine.die(id)
        turn(until: "it is withdrawn") { named == [] }
        engine.release()
        turn(until: "it is asked for again") {
            engine.asked.filter { $0 == question }.count == 3
        }
        turn(for: .milliseconds(30))
        #expect(named == [])
    }

    @Test func `a stream that is cut is opened again, and nothing is lost meanwhile`() throws {
        let id = engine.run(2, "web")
        _ = try source()
        turn(until: "it is there") { named == ["172.17.0.2:80"] }
        let count = heard.count
        engine.cut()
        engine.run(3, "web") { $0.address = "172.17.0.3" }
        engine.containers[id] = nil
        turn(until: "the list is right again") { named == ["172.17.0.3:80"] }
        #expect(watch.failure == nil)
        #expect(watch.streams == 2)
        #expect(heard.dropFirst(count).allSatisfy { if case .failure = $0 { false } else { true } })
    }

    @Test func `an engine that is away takes nothing away, and is followed when it is back`() throws
    {
        engine.run(2, "web")
        _ = try source()
        turn(until: "it is there") { named == ["172.17.0.2:80"] }
        engine.stop()
        turn(until: "the failure is told") {
            if case .failure? = heard.last { true } else { false }
        }
        guard case .failure(let failure)? = heard.last else { return }
        #expect(failure.kind == .unreachable)
        #expect(failure.description.contains("is the engine running"))
        engine.run(3, "web")
        try engine.listen()
        turn(until: "it is followed again") { named == ["172.17.0.2:80", "172.17.0.3:80"] }
        #expect(watch.failure == nil)
    }

    @Test func `an engine that is not there at the start is followed when it comes`() throws {
        engine.stop()
        _ = try source()
        turn(until: "the failure is told") { !heard.isEmpty }
        engine.run(2, "web")
        try engine.listen()
        turn(until: "it is followed") { named == ["172.17.0.2:80"] }
    }

    @Test(arguments: [
        ("/version", 200, #"{"ApiVersion":"1.20","MinAPIVersion":"1.12"}"#, "1.12 to 1.20"),
        ("/version", 200, "hello", "malformed"),
        ("/version", 400, #"{"message":"no"}"#, "answered 400: no"),
        ("/events", 403, "Forbidden", "must allow GET"),
        ("/containers/json", 500, #"{"message":"broken"}"#, "answered 500: broken"),
        ("/containers/json", 200, #"{"message":"no list"}"#, "malformed"),
    ])
    func `what goes wrong is told, and tried again`(
        path: String, status: Int, body: String, expected: String
    ) throws {
        engine.run(2, "web")
        engine.answers = [path: (status, body)]
        _ = try source()
        turn(until: "the failure is told") { watch.failure != nil }
        #expect(watch.failure?.description.contains(expected) == true, "\(heard)")
        engine.answers = [:]
        turn(until: "it is followed") { named == ["172.17.0.2:80"] }
    }

    @Test func `networks that may not be asked for are bridges`() throws {
        engine.run(2, "web")
        engine.answers = ["/networks": (403, "")]
        _ = try source()
        turn(until: "it is there") { named == ["172.17.0.2:80"] }
    }

    @Test func `one container that can't be read keeps none of the others back`() throws {
        let bad = engine.run(2, "bad")
        engine.run(3, "web")
        engine.answers = ["/containers/\(bad)/json": (500, "")]
        _ = try source()
        turn(until: "the other is there") { named == ["172.17.0.3:80"] }
        #expect(watch.failure == nil)
    }

    @Test func `an event that can't be read has everything asked for`() throws {
        engine.run(2, "web")
        _ = try source()
        turn(until: "it is there") { named == ["172.17.0.2:80"] }
        engine.containers[StandInEngine.id(2)] = nil
        engine.say("{\"Type\":")
        turn(until: "the list was asked for") { named == [] }
        #expect(watch.events.malformed == 1)
        #expect(watch.streams == 1)
    }

    @Test func `a line without end ends the stream`() throws {
        engine.run(2, "web")
        _ = try source()
        turn(until: "it is there") { named == ["172.17.0.2:80"] }
        engine.say(String(repeating: "x", count: EventLines.lineBytesMax + 1))
        turn(until: "the stream is another") { watch.streams == 2 }
        turn(until: "it is there still") { named == ["172.17.0.2:80"] }
    }

    // MARK: How much is asked

    @Test func `a storm of events makes few questions`() throws {
        for number in 2..<50 { engine.run(number, "c\(number)") }
        let id = engine.run(100, "web") { $0.address = "172.17.1.1" }
        _ = try source()
        turn(until: "it is there") { named == ["172.17.1.1:80"] }
        turn(until: "all is known") { engine.asked.count >= 49 }
        turn(for: .milliseconds(50))
        let (count, began) = (engine.asked.count, ContinuousClock.now)
        for round in 1...100 {
            // What an engine writes ahead of its reader has an end.
            for event in 0..<80 { engine.tell(StandInEngine.id(2 + event % 8), "rename") }
            turn(until: "they are read") { watch.events.read >= UInt64(80 * round) }
        }
        engine.kill(id)
        turn(until: "it is withdrawn") { named == [] }
        turn(for: .milliseconds(50))
        // Of 8,000 events the few containers make one question each while events are gathered,
        // however long this machine takes to read them.
        let gatherings = Int((ContinuousClock.now - began) / DockerWatch.gathering) + 2
        #expect(engine.asked.count - count <= 9 * gatherings)
    }

    @Test func `several services have one watch, and none leaves the engine alone`() throws {
        engine.run(2, "web")
        let first = try source()
        let second = try source("other")
        turn(until: "both are told") { heard.count == 2 }
        #expect(engine.streamCount == 1)
        first.stop()
        engine.run(3, "other")
        turn(until: "the other is told") { named == ["172.17.0.3:80"] }
        second.stop()
        let asked = engine.asked.count
        engine.run(4, "other")
        turn(for: .milliseconds(60))
        #expect(engine.asked.count == asked)
        #expect(named == ["172.17.0.3:80"])
    }

    // MARK: Where we are

    @Test func `our own container is found by what its engine binds into it`() {
        let id = StandInEngine.id(77)
        let text = """
            611 590 0:50 / / rw,relatime - overlay overlay rw
            612 590 8:1 /var/lib/docker/containers/\(id)/resolv.conf /etc/resolv.conf rw - ext4 /dev rw
            """
        #expect(OwnContainer.id(mountinfo: text) == id)
        #expect(OwnContainer.id(mountinfo: "22 1 8:1 / / rw - ext4 /dev/sda1 rw") == nil)
        #expect(
            OwnContainer.id(
                mountinfo: "1 2 8:1 /containers/../x/resolv.conf /etc/resolv.conf rw - e")
                == nil)
    }

    // MARK: What is shown

    @Test func `what a HEALTHCHECK said is shown while it fails`() throws {
        let id = engine.run(2, "web") { $0.health = "healthy" }
        _ = try source()
        turn(until: "it is there") { named == ["172.17.0.2:80"] }
        #expect(instances().first?.metadata["check"] == nil)
        engine.change(id, "health_status: unhealthy") {
            $0.health = "unhealthy"
            $0.checkOutput = #"a\nb\n\u001b[31mno disk\r\n\nleft\u202e\n"#
        }
        turn(until: "it is ill") { instances().first?.metadata["health"] == "unhealthy" }
        #expect(instances().first?.metadata["check"] == "exit 1: b / [31mno disk / left")
        engine.change(id, "health_status: healthy") {
            $0.health = "healthy"
            $0.checkOutput = nil
        }
        turn(until: "it is well") { instances().first?.metadata["health"] == "healthy" }
        #expect(instances().first?.metadata["check"] == nil)
    }

    @Test func `containers that no service wants are named, each with the reason`() throws {
        engine.run(2, "web")
        engine.run(3, "plain")
        engine.run(4, "typo") { $0.labels = ["fairlead.hots": "a.test"] }
        engine.run(5, "away") { $0.labels = ["fairlead.enable": "off"] }
        engine.run(6, "routed") { $0.labels = ["fairlead.host": "a.test"] }
        engine.run(7, "portal") { $0.labels = ["fairlead.port": "80"] }
        engine.run(8, "once") { $0.labels = ["com.docker.compose.oneoff": "True"] }
        engine.run(9, "front") { $0.labels = ["tier": "front"] }
        engine.run(10, "ended") { $0.state = "exited" }
        _ = try source()
        turn(until: "the engine is known") { watch.isKnown }
        let queries = [try DockerQuery("web"), try DockerQuery("?label=tier=front")]
        let unserved = UnservedContainers(watch, besides: queries, byLabels: false)
        #expect(unserved.count == 6)
        let reasons = Dictionary(
            uniqueKeysWithValues: unserved.shown.map { ($0.name, $0.reason) })
        let expected = [
            "plain": "it has no label such as fairlead.host, and no service asks for plain",
            "typo": "expected fairlead.host?",
            "away": "its labels say that it wants no requests",
            "routed": "labels make routes with `docker: on` alone",
            "portal": "asks for no host and no path, and no service asks for portal",
            "once": "compose started it for one command",
        ]
        #expect(Set(reasons.keys) == Set(expected.keys))
        for (name, words) in expected {
            #expect(reasons[name]?.contains(words) == true, "\(name): \(reasons[name] ?? "")")
        }
        let byLabels = UnservedContainers(watch, besides: queries, byLabels: true)
        #expect(
            byLabels.shown.first { $0.name == "routed" }?.reason
                .contains("another container's") == true)
    }

    // MARK: Where it is

    /// A source of another watch than this test's, of an engine by name.
    private func follow(_ name: String, ownContainer: String? = nil) throws -> DockerWatch {
        var options = DockerOptions(.name(try #require(HostAndPort(name))))
        options.ownContainer = ownContainer
        let watch = DockerWatch(options, on: loop)
        let source = DockerSource(try DockerQuery("web"), watch)
        sources.append(source)
        source.start { [unowned self] in heard.append($0) }
        return watch
    }

    private var failure: String {
        if case .failure(let failure)? = heard.last { "\(failure)" } else { "" }
    }

    @Test func `a name is followed from one address to the next, and nothing is lost between`()
        throws
    {
        let other = try StandInEngine(on: loop, name: "other")
        defer { other.stop() }
        engine.run(2, "web")
        other.run(3, "web")
        let watch = try follow("docker:2375")
        turn(until: "its address is missed") {
            failure.contains("docker:2375 has no address: it was not looked up yet")
        }
        watch.setTargets([engine.target], missing: nil)
        turn(until: "the container is there") { named == ["172.17.0.2:80"] }
        let count = heard.count
        watch.setTargets([other.target], missing: nil)
        turn(until: "the other is followed") { named == ["172.17.0.3:80"] }
        // No failure was told meanwhile, nor that there is nothing.
        #expect(heard.count == count + 1)
        // One that is followed at an address which the name still has is left alone.
        watch.setTargets([engine.target, other.target], missing: nil)
        turn(for: .milliseconds(50))
        #expect(watch.target == other.target && other.streamCount == 1)
        other.stop()
        turn(until: "the first is followed") { named == ["172.17.0.2:80"] }
        #expect(heard.count == count + 2, "\(heard)")
        engine.stop()
        turn(until: "none is left") { failure.contains("could not be reached") }
    }

    @Test func `an engine that has our own container is ours, whatever its address`() throws {
        let far = Target.endpoint(Endpoint(.v4(0x0a00_0007), 2375))
        #expect(DockerWatch.vantage(of: far, own: nil) == .remote(.v4(0x0a00_0007)))
        #expect(DockerWatch.vantage(of: .endpoint(Endpoint(.loopback, 2375)), own: nil) == .host)
        let own = engine.run(9, "edge")
        engine.run(2, "web")
        let watch = try follow("docker:2375", ownContainer: own)
        watch.setTargets([engine.target], missing: nil)
        turn(until: "the container is there") { named == ["172.17.0.2:80"] }
        let summary = try #require(watch.inventory.containers[own]?.summary)
        let inside = Vantage.container(networks: ["bridge"])
        #expect(watch.vantage == inside)
        #expect(DockerWatch.vantage(of: far, own: summary) == inside)
    }
}
