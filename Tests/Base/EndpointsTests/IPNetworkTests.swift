// Goal: a network holds its own addresses and no others. Method: both ends of each range.

import Endpoints
import Testing

@Suite struct IPNetworkTests {
    @Test(
        "a network holds what shares its prefix",
        arguments: [
            ("10.1.2.3", 8, "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            ("192.0.2.1", 32, "192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("192.0.2.1", 0, "0.0.0.0", "255.255.255.255", "::"),
            ("fd00:1::5", 8, "fd00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"),
            (
                "2001:db8::1:0:0:5", 96, "2001:db8:0:0:1::", "2001:db8::1:0:ffff:ffff",
                "2001:db8::2:0:0:0"
            ),
            ("::1", 128, "::1", "::1", "::2"), ("::1", 0, "::", "ffff::", "1.2.3.4"),
            ("2001:db8::", 64, "2001:db8::", "2001:db8::ffff:0:0:0", "2001:db8:0:1::"),
        ])
    func contains(_ member: String, _ prefix: Int, _ first: String, _ last: String, _ other: String)
        throws
    {
        let address = try #require(IPAddress(member))
        let network = try #require(IPNetwork(containing: address, prefix: prefix))
        for inside in [member, first, last] {
            let address = try #require(IPAddress(inside))
            #expect(network.contains(address), "\(inside) in \(network)")
        }
        let outside = try #require(IPAddress(other))
        #expect(!network.contains(outside))
        #expect(network.description == "\(first)/\(prefix)")
    }

    @Test("a prefix longer than the address is none")
    func tooLong() throws {
        #expect(IPNetwork(containing: .v4(0), prefix: 33) == nil)
        #expect(IPNetwork(containing: .v4(0), prefix: -1) == nil)
        #expect(IPNetwork(containing: .v6(0, 0), prefix: 129) == nil)
    }
}
