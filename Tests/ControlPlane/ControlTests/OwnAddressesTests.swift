// Goal: this process is refused as a backend of itself, and nothing else is. Method: tables of
// listeners and endpoints; the machine's addresses are made up, except in one test that asks the
// kernel.

import Endpoints
import Testing

@testable import Control

@Suite struct OwnAddressesTests {
    private func endpoint(_ text: String) throws -> Endpoint { try #require(Endpoint(text)) }

    private func own(admin: String?, _ listen: String = "0.0.0.0:80") throws -> OwnAddresses {
        var own = OwnAddresses(admin: try [admin].compactMap(\.self).map(endpoint))
        own.listeners = [
            .init(name: "web", endpoint: try endpoint(listen), services: ["web", "api"])
        ]
        own.isLocal = { $0.isLoopback || $0 == IPAddress("10.0.0.5") }
        return own
    }

    @Test(
        "the admin port is refused as a backend at every address that reaches it",
        arguments: [
            ("127.0.0.1:9090", "127.0.0.1:9090", true), ("127.0.0.1:9090", "127.0.0.2:9090", false),
            ("127.0.0.1:9090", "127.0.0.1:9091", false), ("127.0.0.1:9090", "0.0.0.0:9090", true),
            ("127.0.0.1:9090", "10.0.0.5:9090", false), ("0.0.0.0:9090", "127.9.9.9:9090", true),
            ("0.0.0.0:9090", "10.0.0.5:9090", true), ("0.0.0.0:9090", "10.0.0.6:9090", false),
            ("[::]:9090", "10.0.0.5:9090", true), ("[::]:9090", "[::1]:9090", true),
            ("127.0.0.1:9090", "[::ffff:127.0.0.1]:9090", true),
            ("10.0.0.5:9090", "10.0.0.5:9090", true), ("10.0.0.5:9090", "10.0.0.6:9090", false),
        ])
    func admin(listen: String, backend: String, isRefused: Bool) throws {
        let why = try own(admin: listen).objection(to: endpoint(backend), of: "other")
        #expect((why == "it is this Fairlead's own admin port") == isRefused)
    }

    @Test("so are the further addresses of the admin port, and the address for health")
    func others() throws {
        var own = try own(admin: "127.0.0.1:9090")
        own.admin.append(try endpoint("[::1]:9090"))
        own.health = [try endpoint("0.0.0.0:9091")]
        func why(_ text: String) throws -> String? {
            own.objection(to: try endpoint(text), of: "other")
        }
        #expect(try why("[::1]:9090") == "it is this Fairlead's own admin port")
        #expect(try why("10.0.0.5:9091") == "it is this Fairlead's own address for health")
        #expect(try why("10.0.0.6:9091") == nil)
    }

    @Test("a listener may be a backend of those services alone that it does not lead to")
    func listeners() throws {
        let own = try own(admin: nil)
        let here = try endpoint("10.0.0.5:80")
        #expect(
            own.objection(to: here, of: "api")
                == "it is this Fairlead's own listener web, which leads to api again")
        #expect(own.objection(to: here, of: "chained") == nil)
        #expect(own.objection(to: try endpoint("10.0.0.6:80"), of: "api") == nil)
        #expect(own.objection(to: try endpoint("10.0.0.5:81"), of: "api") == nil)
    }

    @Test("the kernel knows which addresses are its own")
    func kernel() throws {
        #expect(OwnAddresses.kernelSendsFrom(.loopback))
        let loopback = try #require(IPAddress("127.3.2.1"))
        #expect(OwnAddresses.kernelSendsFrom(loopback))
        // RFC 5737: nobody's.
        let nobody = try #require(IPAddress("192.0.2.1"))
        #expect(!OwnAddresses.kernelSendsFrom(nobody))
    }
}
