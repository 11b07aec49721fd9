// Goal: what an operator writes is read as meant or refused in words, and goes out as Consul reads
// it. Method: tables of texts, each read, printed and read again.

import ConsulQuery
import Testing

@Suite struct QueryTests {
    @Test(
        "a query is read, and printed so that it is the same when read again",
        arguments: [
            ("web", "web", "/v1/health/service/web"),
            ("consul://web", "web", "/v1/health/service/web"),
            ("web?", "web", "/v1/health/service/web"),
            ("web?passing", "web?passing", "/v1/health/service/web?passing"),
            ("web?passing=true", "web?passing", "/v1/health/service/web?passing"),
            ("web?passing=false", "web", "/v1/health/service/web"),
            (
                "web?tag=v1&dc=dc2&tag=blue", "web?dc=dc2&tag=v1&tag=blue",
                "/v1/health/service/web?dc=dc2&tag=v1&tag=blue"
            ),
            (
                "web?near=_agent&node-meta=rack:a1", "web?near=_agent&node-meta=rack%3Aa1",
                "/v1/health/service/web?near=_agent&node-meta=rack%3Aa1"
            ),
            (
                "web?filter=Service.Meta.tier == \"gold\"",
                "web?filter=Service.Meta.tier%20%3D%3D%20%22gold%22",
                "/v1/health/service/web?filter=Service.Meta.tier%20%3D%3D%20%22gold%22"
            ),
            ("web?tag=a+b", "web?tag=a%2Bb", "/v1/health/service/web?tag=a%2Bb"),
            ("a%2Fb", "a%2Fb", "/v1/health/service/a%2Fb"),
            ("caf\u{e9}", "caf%C3%A9", "/v1/health/service/caf%C3%A9"),
            (
                "web?ns=team&partition=p&peer=east", "web?ns=team&partition=p&peer=east",
                "/v1/health/service/web?ns=team&partition=p&peer=east"
            ),
            ("query/geo", "query/geo", "/v1/query/geo/execute"),
            (
                "consul://query/geo?near=_agent&dc=dc2", "query/geo?dc=dc2&near=_agent",
                "/v1/query/geo/execute?dc=dc2&near=_agent"
            ),
        ])
    func read(text: String, printed: String, target: String) throws {
        let query = try ConsulServiceQuery(text)
        #expect(query.description == printed)
        #expect(try ConsulServiceQuery(printed) == query)
        #expect(query.requestTarget == target)
    }

    @Test(
        "what is no query is refused by what was found and what was expected",
        arguments: [
            ("", "no name"), ("consul://", "no name"), ("?dc=a", "no name"),
            ("query/", "no name"), ("a/b", "%2F"), ("query/a/b", "%2F"), ("..", "the name .."),
            ("web?color=blue", "dc, tag, passing, near, filter, node-meta, ns, partition, peer"),
            ("query/geo?tag=v1", "dc, near, ns, partition"),
            ("web?dc=a&dc=b", "twice"), ("web?passing&passing", "twice"),
            ("web?passing=maybe", "passing=maybe"), ("web?dc", "dc=…"), ("web?tag=", "tag=…"),
            ("web?node-meta=rack", "KEY:VALUE"), ("web?node-meta=:a", "KEY:VALUE"),
            ("web?a%zz", "%25"), ("web?tag=%4", "%25"), ("web%00", "control character"),
            ("web?tag=%0d%0aX:1", "control character"), ("web%ff", "UTF-8"),
            ("web?&", "parameter \"\""),
        ])
    func refused(text: String, says: String) {
        do throws(ConsulQueryError) {
            let query = try ConsulServiceQuery(text)
            Issue.record("\(text) was read as \(query)")
        } catch {
            #expect(error.description.contains(says), "\(error)")
        }
    }

    @Test("any name and value comes back from its encoded form")
    func encoding() throws {
        let alphabet = Array("aZ09-._~ !\"#$%&'()*+,/:;<=>?@[]^`{|}\u{e9}\u{20ac}\u{1f600}")
        for length in 1...300 {
            let text = String(
                (0..<length).map { alphabet[($0 * 7 + length * 13) % alphabet.count] })
            let encoded = PercentEncoding.encode(text)
            #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
            let query = try ConsulServiceQuery("\(encoded)?tag=\(encoded)&filter=\(encoded)")
            #expect(query.subject == .service(text))
            #expect(query.tags == [text])
            #expect(query.filter == text)
            #expect(try ConsulServiceQuery(query.description) == query)
        }
    }

    @Test("a query of exactly the limit is read, and a longer one is not")
    func limit() throws {
        let longest = "web?tag=" + String(repeating: "a", count: 4096 - 8)
        #expect(try ConsulServiceQuery(longest).tags.first?.count == 4096 - 8)
        #expect(throws: ConsulQueryError.self) { try ConsulServiceQuery(longest + "a") }
    }
}
