// Goal: what an operator writes and what DNS says end up as the same value, or are refused.
// Method: tables of text and value, each with malformed twins.

import Endpoints
import Testing

@Suite struct EndpointTests {
    @Test(
        "text and value are each other's inverse",
        arguments: [
            "127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:8080", "[2001:db8::1]:443",
        ])
    func roundTrip(text: String) throws {
        #expect(try #require(Endpoint(text)).description == text)
    }

    @Test("an empty host means every address")
    func wildcard() throws {
        #expect(try #require(Endpoint(":8080")) == Endpoint(.any, 8080))
    }

    @Test("an IPv4-mapped address is the IPv4 address")
    func mapped() throws {
        #expect(try #require(IPAddress("::ffff:192.0.2.1")) == .v4(0xc000_0201))
    }

    @Test(
        "what is not an endpoint is refused",
        arguments: [
            "", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+80", "127.0.0.1:-1",
            "::1:80", "[::1]", "[::1:80", "[127.0.0.1]:80", "1.2.3:80", "01.2.3.4.5:80", "name:80",
            "127.0.0.1: 80", "[]:80", "127.0.0.1:8a",
        ])
    func refused(text: String) {
        #expect(Endpoint(text) == nil)
    }

    @Test("a name with a port is split, not resolved")
    func name() throws {
        let parts = try #require(HostAndPort("db.internal:5432"))
        #expect(parts.host == "db.internal")
        #expect(parts.port == 5432)
    }

    @Test("endpoints sort by family, address and port")
    func order() throws {
        let sorted = ["10.0.0.2:1", "10.0.0.10:1", "10.0.0.10:2", "[::1]:1"].compactMap {
            Endpoint($0)
        }
        #expect(sorted.shuffled().sorted() == sorted)
    }
}
