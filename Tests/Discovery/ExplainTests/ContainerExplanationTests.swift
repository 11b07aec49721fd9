// Goal: what is said of a service of containers is true of an engine, and a name that hides its
// instances behind one address says what to write instead. Method: answers made by hand.

import Backends
import DNSClient
import DNSWire
import Endpoints
import Explain
import InstanceSources
import Testing

@Suite struct ContainerExplanationTests {
    private func explain(_ result: DiscoveryAnswer) -> Explanation {
        var subject = Explanation.Subject("Docker web")
        subject.asked = .engines(every: .seconds(60))
        let server = Explanation.Server(
            named: "unix:/run/docker.sock", result: result, notes: ["Docker 20.10, API 1.41"])
        return Explanation(subject, [server], now: .now)
    }

    @Test func `an engine is asked, and nothing is said of names`() {
        let instance = Instance(
            Endpoint(.v4(0xac11_0002), 8080), metadata: ["container": "shop_web_1"])
        let text = explain(.instances([instance])).text
        for part in [
            "Docker web, asked of 1 engine", "  Docker 20.10, API 1.41\n",
            "=> 1 containers that serve", "shop_web_1\n",
            "asked again after 60 s: a whole list, in case an event was lost",
            "the engine can't be reached", "the engine refuses (403)",
        ] {
            #expect(text.contains(part), "\(part) is not in:\n\(text)")
        }
        for part in ["NXDOMAIN", "agent", "instances", "give or take", "half are gone"] {
            #expect(!text.contains(part), "\(part) is in:\n\(text)")
        }
        let json = explain(.instances([instance])).json
        #expect(json.contains("\"container\" : \"shop_web_1\""))
        #expect(!json.contains("nxdomain"))
        let nameless = explain(.instances([Instance(Endpoint(.loopback, 80))])).text
        #expect(!nameless.contains("found as"))
    }

    @Test func `no container is no failure, and an engine that is away takes nothing away`() {
        let empty = explain(.instances([]))
        #expect(!empty.isGood)
        #expect(empty.text.contains("no container of it serves; those that are known from before"))
        #expect(empty.refresh?.wait == .seconds(60))
        let away = explain(.failure(.unreachable))
        #expect(away.text.contains("backends known from before stay for "))
        #expect(away.refresh?.reason.contains("to 0.8 s") == true)
    }

    // MARK: One address that hides instances

    /// A server that answered a question with this record.
    private func server(
        _ name: String, _ type: RecordType, _ data: RecordData, host: String = ""
    ) throws -> Explanation.Server {
        let name = try DomainName(name)
        var message = Message.query(id: 1, Question(name, type)).reply()
        message.answers = [ResourceRecord(name, ttlSeconds: 5, data)]
        let answer = DNSAnswer(
            question: Question(name, type), outcome: .records(message), message: message,
            server: Endpoint(.loopback, 53), transport: .udp, roundTrip: .microseconds(400),
            octets: 200, octetsMax: 1232)
        return Explanation.Server(
            ServerStatus(Endpoint(.loopback, 53)), answers: [answer],
            result: .instances([Instance(Endpoint(.v4(0x0a60_0001), 80), hostName: host)]))
    }

    private func hidden(_ server: Explanation.Server) -> [String] {
        Explanation(.init("x"), [server], now: .now).remarks.filter {
            $0.kind == .virtualAddress
        }.map(\.text)
    }

    private func srv(_ target: String) throws -> RecordData {
        .srv(.init(priority: 0, weight: 100, port: 80, target: try DomainName(target)))
    }

    @Test func `a Service with a cluster address is told from a headless one`() throws {
        let name = "_http._tcp.web.shop.svc.cluster.local"
        let own = hidden(try server(name, .srv, try srv("web.shop.svc.cluster.local")))
        #expect(own.count == 1)
        #expect(own.first?.contains("`srv: _PORTNAME._tcp.web.shop.svc.cluster.local`") == true)
        let pod = hidden(try server(name, .srv, try srv("10-0-0-7.web.shop.svc.cluster.local")))
        #expect(pod == [])
        let address = RecordData.a(0x0a60_0001)
        let plain = hidden(try server("web.shop.svc.cluster.local", .a, address))
        #expect(plain.first?.contains("clusterIP: None") == true)
        #expect(hidden(try server("web.example.com", .a, address)) == [])
    }

    @Test func `a virtual address of Swarm says where its tasks are`() throws {
        var found = try server("web", .a, .a(0x0a60_0001))
        #expect(hidden(found) == [])
        found.tasks = ["web": 3]
        let text = try #require(hidden(found).first)
        #expect(text.contains("hides 3 tasks") && text.contains("\"tasks.web:PORT\""))
    }
}
