// Goal: as many requests are copied as the rule says, exactly where that is all or none; and only
// requests that go to a backend. Method: every number that the choice goes by, once.

import Backends
import HTTP1
import Routing
import Testing

@Suite struct MirrorRuleTests {
    private func mirror(
        _ share: Int, _ action: RouteAction = .forward(ServiceID(index: 7), prefix: nil)
    ) throws -> (mirror: RouteMirror?, table: RouteTable) {
        var rule = RouteRule(action)
        var mirror = MirrorRule(ServiceID(index: 3))
        mirror.share = share
        rule.mirror = mirror
        let table = RouteTable([rule])
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        var head = RequestHead()
        try #require(head.parse(bytes.span) == .complete(length: bytes.count))
        guard case .route(let route) = table.decide(head, bytes.span) else { return (nil, table) }
        return (route.mirror, table)
    }

    @Test("a share is exact", arguments: [0, 1, 100, 250_000, 999_999, 1_000_000])
    func share(_ share: Int) throws {
        let rule = try #require(mirror(share).mirror)
        // A turn of all remainders, from anywhere.
        let start = UInt64.max - 3_000_000
        let taken = (0..<1_000_000).count { rule.takes(start + UInt64($0)) }
        #expect(taken == share)
        if share == 0 { #expect(!rule.takes(0) && !rule.takes(.max)) }
        if share == 1_000_000 { #expect(rule.takes(0) && rule.takes(.max)) }
    }

    @Test("the service of the copies is one of the table's")
    func place() throws {
        let (mirror, table) = try mirror(MirrorRule.all)
        #expect(table.services == [ServiceID(index: 3), ServiceID(index: 7)])
        #expect(mirror?.place == 0 && mirror?.bodyMax == 65_536)
    }

    @Test("what Fairlead answers by itself is not copied")
    func ownAnswers() throws {
        let response = FixedResponse(status: 200, contentType: "text/plain", body: [])
        let (mirror, table) = try mirror(MirrorRule.all, .respond(response))
        #expect(mirror == nil && table.services.isEmpty)
    }
}
