// Goal: the port and the address of a container are right or there is a reason, never a guess.
// Method: tables of containers and of places where we may run.

import DockerAPI
import Endpoints
import Testing

@testable import Containers

@Suite struct PlaceTests {
    // MARK: Ports

    @Test(
        arguments: [
            (nil, nil, [8080], 8080), (9000, nil, [8080], 9000), (nil, 9000, [8080], 9000),
            (7000, 9000, [], 7000), (nil, nil, [22, 80, 443], 80), (nil, nil, [3000, 9229], 3000),
            (nil, nil, [], nil), (nil, nil, [5005, 6379], nil),
        ] as [(UInt16?, UInt16?, [UInt16], UInt16?)])
    func `a port is named, or the only one, or usual`(
        offered: UInt16?, wanted: UInt16?, exposed: [UInt16], expected: UInt16?
    ) {
        switch ContainerPort.choose(offered: offered, wanted: wanted, exposed: exposed) {
        case .port(let port): #expect(port == expected)
        case .none(let reason):
            #expect(expected == nil)
            #expect(reason.contains("fairlead.port"))
        }
    }

    // MARK: Addresses

    private static let front = ContainerSummary.Network("front", v4: IPAddress("172.18.0.2"))
    private static let back = ContainerSummary.Network(
        "back", v4: IPAddress("172.19.0.2"), v6: IPAddress("fd00::2"))

    private func place(
        _ networks: [ContainerSummary.Network] = [], mode: String = "default",
        ports: [ContainerSummary.Port] = [], network: String? = nil,
        owner: ContainerSummary? = nil, from vantage: Vantage = .host,
        drivers: [String: String] = [:], prefersV6: Bool = false
    ) -> ContainerPlace {
        let container = ContainerSummary(
            id: "0123456789ab", name: "web", networkMode: mode,
            networks: networks.sorted { $0.name < $1.name }, ports: ports)
        return ContainerPlace(
            of: container, port: 80, network: network, owner: owner,
            in: .init(vantage, drivers: drivers, prefersV6: prefersV6))
    }

    private func endpoint(_ place: ContainerPlace) -> String? {
        if case .at(let endpoint, _) = place { "\(endpoint)" } else { nil }
    }

    private func reason(_ place: ContainerPlace) -> String {
        if case .nowhere(let reason) = place { reason } else { "" }
    }

    @Test func `the host reaches bridges`() {
        #expect(place([Self.front]) == .at(Endpoint(.v4(0xAC12_0002), 80), remark: nil))
        #expect(endpoint(place([Self.back], prefersV6: true)) == "[fd00::2]:80")
        #expect(endpoint(place([Self.front], prefersV6: true)) == "172.18.0.2:80")
    }

    @Test func `of several networks the first is taken, and it is told`() {
        guard case .at(let endpoint, let remark?) = place([Self.front, Self.back]) else {
            Issue.record("no remark")
            return
        }
        #expect(endpoint.description == "172.19.0.2:80")
        #expect(remark.contains("fairlead.network"))
        #expect(self.endpoint(place([Self.front, Self.back], network: "front")) == "172.18.0.2:80")
    }

    @Test func `compose's name of a network need not have its project`() {
        let network = ContainerSummary.Network("shop_front", v4: IPAddress("172.18.0.2"))
        #expect(endpoint(place([network], network: "front")) == "172.18.0.2:80")
    }

    @Test func `a network that it is not on is told`() {
        let reason = reason(place([Self.back], network: "front"))
        #expect(reason.contains("not on the network \"front\""))
        #expect(reason.contains("back"))
    }

    @Test func `in a container, shared networks count`() {
        let ours = Vantage.container(networks: ["front"])
        #expect(endpoint(place([Self.front, Self.back], from: ours)) == "172.18.0.2:80")
        #expect(reason(place([Self.back], from: ours)).contains("shares no network"))
        #expect(reason(place(mode: "host", from: ours)).contains("network of the host"))
    }

    @Test func `the host's network is loopback`() {
        #expect(endpoint(place([.init("host")], mode: "host")) == "127.0.0.1:80")
    }

    @Test func `networks that the host can't reach need a published port`() {
        let drivers = ["front": "macvlan"]
        #expect(reason(place([Self.front], drivers: drivers)).contains("not published"))
        let ports = [ContainerSummary.Port(80, published: Endpoint(.v4(0), 18080))]
        #expect(endpoint(place([Self.front], ports: ports, drivers: drivers)) == "127.0.0.1:18080")
    }

    @Test func `a remote engine's containers are reached by published ports`() {
        let far = IPAddress("192.0.2.7")
        let vantage = Vantage.remote(far ?? .loopback)
        let everywhere = [ContainerSummary.Port(80, published: Endpoint(.v4(0), 18080))]
        #expect(
            endpoint(place([Self.front], ports: everywhere, from: vantage)) == "192.0.2.7:18080")
        let local = [ContainerSummary.Port(80, published: Endpoint(.loopback, 18080))]
        #expect(reason(place(ports: local, from: vantage)).contains("127.0.0.1:18080 alone"))
        #expect(reason(place([Self.front], from: vantage)).contains("another machine's"))
    }

    @Test func `the network of another container is that one's`() {
        let owner = ContainerSummary(id: "ab0123456789", name: "pod", networks: [Self.front])
        let mode = "container:ab0123456789"
        #expect(endpoint(place(mode: mode, owner: owner)) == "172.18.0.2:80")
        #expect(reason(place(mode: mode)).contains("not there"))
        let itself = ContainerSummary(id: "ab0123456789", name: "pod", networkMode: mode)
        #expect(reason(place(mode: mode, owner: itself)).contains("not there"))
    }

    @Test func `one without a network is nowhere`() {
        #expect(!reason(place([.init("none")], mode: "none")).isEmpty)
        #expect(!reason(place([.init("bridge")])).isEmpty)
    }
}
