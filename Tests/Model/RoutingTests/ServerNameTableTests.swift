// Goal: a TLS connection goes where the route says that tells most about it, whatever the order of
// the rules. Method: a table of names and protocols; each rule has a service of its own.

import Backends
import Routing
import Testing

@Suite struct ServerNameTableTests {
    private func rule(
        _ number: Int, _ host: HostPattern, _ protocols: [String] = []
    ) -> ServerNameRule {
        ServerNameRule(
            host, protocols: protocols.map { Array($0.utf8) }, to: ServiceID(index: number))
    }

    /// The number of the rule for this connection; nil for none.
    private func decide(
        _ table: ServerNameTable, _ name: String?, _ protocols: [String] = []
    ) -> Int? {
        table.place(
            of: name.map { Array($0.utf8) }, offering: protocols.map { Array($0.utf8) }
        ).map { table.services[$0].index }
    }

    @Test("an exact name goes before a wildcard, and that before any name")
    func names() {
        let rules = [
            rule(0, .any), rule(1, .under("example.com")), rule(2, .exact("A.example.com")),
            rule(3, .under("b.example.com")),
        ]
        for rules in [rules, rules.reversed()] {
            let table = ServerNameTable(rules)
            #expect(decide(table, "a.example.com") == 2)
            #expect(decide(table, "c.example.com") == 1)
            #expect(decide(table, "x.y.example.com") == 1)
            #expect(decide(table, "x.b.example.com") == 3)
            #expect(decide(table, "b.example.com") == 1)
            #expect(decide(table, "example.com") == 0)
            #expect(decide(table, "badexample.com") == 0)
            #expect(decide(table, nil) == 0)
        }
    }

    @Test("a route for protocols goes before one for all, and is left for the next best name")
    func protocols() {
        let table = ServerNameTable([
            rule(0, .exact("a.test")), rule(1, .exact("a.test"), ["h2", "x"]),
            rule(2, .exact("b.test"), ["h2"]), rule(3, .any, ["acme-tls/1"]),
        ])
        #expect(decide(table, "a.test", ["http/1.1", "h2"]) == 1)
        #expect(decide(table, "a.test", ["http/1.1"]) == 0)
        #expect(decide(table, "a.test") == 0)
        #expect(decide(table, "b.test", ["h2"]) == 2)
        #expect(decide(table, "b.test", ["H2"]) == nil)
        #expect(decide(table, "b.test", ["acme-tls/1"]) == 3)
        #expect(decide(table, "c.test") == nil)
        #expect(decide(table, nil, ["acme-tls/1"]) == 3)
    }

    @Test("routes to one service share its place")
    func services() {
        let table = ServerNameTable([
            rule(7, .exact("a.test")), rule(8, .exact("b.test")), rule(7, .exact("c.test")),
        ])
        #expect(table.services == [ServiceID(index: 7), ServiceID(index: 8)])
        #expect(decide(table, "c.test") == 7)
    }
}
