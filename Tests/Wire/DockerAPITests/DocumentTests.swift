// Goal: documents of an engine become values, whole, and one entry that makes no sense spoils none
// of the others. Method: documents of a real engine, of later versions, and malformed twins.

import Endpoints
import JSON
import Testing

@testable import DockerAPI

@Suite struct DocumentTests {
    private func list(_ entries: String...) throws -> ContainerList {
        try ContainerList(Array("[\(entries.joined(separator: ","))]".utf8))
    }

    // MARK: The list

    @Test func `a container that runs has its state, ports and addresses`() throws {
        let container = try #require(try list(Captured.starting).containers.first)
        #expect(container.id == Captured.id)
        #expect(container.name == "web1")
        #expect(container.image == "tiny:1")
        // The list has seconds: a container may be as young as that.
        #expect(container.createdAt == 1_795_866_199_999_999_999)
        #expect(container.state == .running)
        #expect(container.health == .starting)
        #expect(container.labels == ["fairlead.host": "a.test"])
        #expect(container.networkMode == "default")
        #expect(container.networks == [.init("bridge", v4: IPAddress("172.29.0.2"))])
        #expect(
            container.ports == [
                .init(8080, published: Endpoint(.v4(0), 18080)),
                .init(8080, published: Endpoint(.any, 18080)),
            ])
    }

    @Test func `one that has ended has no address`() throws {
        let container = try #require(try list(Captured.exited).containers.first)
        #expect(container.state == .exited)
        #expect(container.health == .none)
        #expect(container.networks == [.init("bridge")])
        #expect(container.ports.isEmpty)
    }

    @Test func `both families and protocols are read`() throws {
        let container = try #require(try list(Captured.composed).containers.first)
        #expect(container.health == .healthy)
        #expect(
            container.networks == [
                .init("shop_default", v4: IPAddress("172.18.0.2"), v6: IPAddress("fd00::2"))
            ])
        #expect(container.ports == [.init(53, isTCP: false), .init(8080)])
    }

    @Test(arguments: [
        ("Up 3 minutes", ContainerSummary.Health.none), ("Up 1 second (unhealthy)", .unhealthy),
        ("Up 1 second (healthy)", .healthy), ("Up 5 hours (Paused)", .none), ("", .none),
    ])
    func `health is told in words`(status: String, health: ContainerSummary.Health) throws {
        let entry = #"{"Id":"0123456789ab","State":"running","Status":"\#(status)"}"#
        #expect(try list(entry).containers.first?.health == health)
    }

    @Test func `health in a property of its own goes before words`() throws {
        let entry =
            #"{"Id":"0123456789ab","State":"running","Status":"Up 1 second (healthy)","#
            + #""Health":{"Status":"unhealthy","FailingStreak":3}}"#
        #expect(try list(entry).containers.first?.health == .unhealthy)
    }

    @Test func `what is null or missing is empty`() throws {
        let bare = try list(
            #"{"Id":"0123456789ab","State":"created","Names":null,"Labels":null,"Ports":null,"#
                + #""NetworkSettings":{"Networks":{"none":null}},"HostConfig":null}"#,
            #"{"Id":"0123456789ac","State":"configured"}"#)
        #expect(bare.problems.isEmpty)
        #expect(bare.containers.map(\.state) == [.created, .created])
        #expect(bare.containers.map(\.name) == ["", ""])
        #expect(bare.containers[0].networks == [.init("none")])
    }

    @Test(arguments: [Int.max, Int.max / 1_000_000_000, Int.min, -1])
    func `a time that is none overflows nothing`(created: Int) throws {
        let entry = #"{"Id":"0123456789ab","State":"running","Created":\#(created)}"#
        #expect(try list(entry).containers.count == 1)
    }

    @Test func `a link of another container is no name`() throws {
        let entry = #"{"Id":"0123456789ab","State":"running","Names":["/app/db","/db"]}"#
        #expect(try list(entry).containers.first?.name == "db")
    }

    @Test(arguments: [
        #"{"Id":"zz","State":"running"}"#, #"{"Id":"0123456789ab","State":"levitating"}"#, "7",
        #"{"State":"running"}"#, #"{"Id":"0123456789ab","State":"running","Created":1e99}"#,
    ])
    func `an entry that makes no sense is left out alone`(entry: String) throws {
        let read = try list(entry, Captured.composed)
        #expect(read.containers.map(\.name) == ["shop_web_1"])
        #expect(read.problems.count == 1)
        #expect(throws: JSON.Malformed.self) { try list(entry) }
    }

    @Test func `ports that are none are left out`() throws {
        let entry =
            #"{"Id":"0123456789ab","State":"running","Ports":[{"PrivatePort":0,"Type":"tcp"},"#
            + #"{"PrivatePort":70000,"Type":"tcp"},{"PrivatePort":"x"},"#
            + #"{"PrivatePort":80,"PublicPort":70000,"Type":"tcp"}]}"#
        #expect(try list(entry).containers.first?.ports == [.init(80)])
    }

    @Test func `labels beyond all measure leave their container out`() throws {
        let label = String(repeating: "x", count: ContainerList.labelBytesMax)
        let read = try list(
            #"{"Id":"0123456789ab","State":"running","Labels":{"a":"\#(label)"}}"#,
            Captured.composed)
        #expect(read.containers.count == 1)
        #expect(read.problems.first?.contains("labels") == true)
    }

    @Test func `an error in the place of a list is refused`() {
        let error = #"{"message":"client version 9.99 is too new"}"#
        #expect(throws: JSON.Malformed.self) { try ContainerList(Array(error.utf8)) }
    }

    // MARK: The others

    @Test func `all of a container is read, without secrets`() throws {
        let details = try ContainerDetails(Array(Captured.details.utf8))
        #expect(details.startedAt == "2026-11-28T11:43:19.96960826Z")
        #expect(details.restartCount == 3)
        #expect(details.stopSignal == 3)
        #expect(details.stopTimeout == .seconds(30))
        #expect(
            details.environment == ["SERVICE_NAME": "web", "VIRTUAL_HOST": "a.test,b.test"])
        // The list says the same, but for the words and for ports of UDP, which are not published.
        var listed = try #require(try list(Captured.starting).containers.first)
        listed.status = ""
        #expect(details.summary.ports.filter(\.isTCP) == listed.ports)
        #expect(details.summary.ports.first == .init(53, isTCP: false))
        #expect(details.summary.id == listed.id)
        #expect(details.summary.name == listed.name)
        #expect(details.summary.image == listed.image)
        #expect(details.summary.createdAt == 1_795_866_199_100_000_000)
        #expect(details.summary.state == listed.state)
        #expect(details.summary.health == listed.health)
        #expect(details.summary.labels == listed.labels)
        #expect(details.summary.networks == listed.networks)
        #expect(details.summary.networkMode == listed.networkMode)
    }

    @Test func `what is missing of a container is empty`() throws {
        let bare = try ContainerDetails(
            Array(
                #"{"Id":"0123456789ab","State":{"Status":"exited","ExitCode":7},"Config":null}"#
                    .utf8))
        #expect(bare.summary.state == .exited)
        #expect(bare.summary.status == "Exited (7)")
        #expect(bare.stopTimeout == .seconds(10))
        for text in ["[]", #"{"Id":"x","State":{"Status":"running"}}"#, #"{"Id":"0123456789ab"}"#] {
            #expect(throws: JSON.Malformed.self) { try ContainerDetails(Array(text.utf8)) }
        }
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-28T11:43:19.96Z", 1_795_866_199_960_000_000),
            ("2026-11-28T11:43:19.0000000019Z", 1_795_866_199_000_000_001),
            ("2000-02-29T23:59:60Z", 951_868_800_000_000_000),
            ("2024-03-01T00:00:00Z", 1_709_251_200_000_000_000),
            ("9999-01-01T00:00:00Z", nil),
            ("0001-01-01T00:00:00Z", nil), ("2026-13-01T00:00:00Z", nil), ("yesterday", nil),
            ("", nil),
            ("2026-11-28T11:43:19", nil),
        ] as [(String, Int?)])
    func `times are nanoseconds`(text: String, nanoseconds: Int?) {
        #expect(Timestamp.nanoseconds(text) == nanoseconds)
    }

    @Test func `a version is agreed on`() throws {
        let version = try EngineVersion(Array(Captured.version.utf8))
        #expect(version.newest == APIVersion("1.41"))
        #expect(version.oldest == APIVersion("1.12"))
        #expect(version.engine == "20.10.24+dfsg1")
        #expect(!version.isPodman)
        #expect(version.common?.description == "1.41")
    }

    @Test(
        arguments: [
            ("1.52", "1.44", "1.52"), ("1.99", "1.44", "1.52"), ("1.24", "1.12", "1.24"),
            ("1.23", "1.12", nil), ("2.0", "1.60", nil), ("1.41", nil, "1.41"),
        ] as [(String, String?, String?)])
    func `versions that have nothing in common are told`(
        newest: String, oldest: String?, common: String?
    ) throws {
        let least = oldest.map { #","MinAPIVersion":"\#($0)""# } ?? ""
        let version = try EngineVersion(Array(#"{"ApiVersion":"\#(newest)"\#(least)}"#.utf8))
        #expect(version.common?.description == common)
    }

    @Test(arguments: ["", "1", "1.", "1.4.1", "v1.41", "1.-1", "1.99999999"])
    func `a version that is none is refused`(text: String) {
        #expect(APIVersion(text) == nil)
        #expect(throws: JSON.Malformed.self) {
            try EngineVersion(Array(#"{"ApiVersion":"\#(text)"}"#.utf8))
        }
    }

    @Test func `Podman says who it is`() throws {
        let version = try EngineVersion(
            Array(
                #"{"Components":[{"Name":"Podman Engine"}],"ApiVersion":"1.41","Version":"4.3.1"}"#
                    .utf8))
        #expect(version.isPodman)
    }

    @Test func `networks have their drivers`() throws {
        let text = #"[{"Name":"host","Driver":"host"},{"Name":"front","Driver":"bridge"},7]"#
        #expect(
            try EngineNetworks.drivers(Array(text.utf8)) == ["host": "host", "front": "bridge"])
    }
}
