// Goal: a document with thousands of backends is the same whether it is made at once or piece by
// piece, and holds up no other request. Method: one snapshot, served both ways; a queue whose work
// the test counts.

import Backends
import Events
import HTTP1
import HTTPClient
import Testing
import Traffic

@testable import Admin

@Suite struct PieceTests {
    private let loop = EventLoop()

    /// A service of 600 backends between two that have none and one.
    private var snapshot: AdminSnapshot {
        var snapshot = Sample.healthy
        var many = snapshot.services[0]
        many.backends = (1...600).map { id in
            Sample.backend(
                UInt32(id), id % 3 == 0 ? .down : .up, age: 60, "refused, \"backends\":[]")
        }
        var none = snapshot.services[0]
        none = .init(name: "none", mode: .http, sources: none.sources)
        var one = snapshot.services[0]
        one = .init(name: "one", mode: .tcp, sources: one.sources)
        one.backends = [Sample.backend(700, .up, age: 60, "passed")]
        snapshot.services = [none, many, one]
        return snapshot
    }

    @Test(
        "a document made piece by piece is the one made at once",
        arguments: ["/stats", "/services", "/backends"])
    func same(path: String) throws {
        let fixture = AdminFixture(loop: loop, snapshot: snapshot)
        let whole = try fixture.ask(path)
        fixture.backendCount = 601
        let pieced = try fixture.ask(path)
        #expect(whole.response.status == 200)
        #expect(pieced.text.count > 100_000)
        #expect(pieced.text == whole.text)
        #expect(
            pieced.response.field("content-length") == whole.response.field("content-length"))
        let headed = try fixture.ask(path, .head)
        #expect(headed.text.isEmpty)
        #expect(
            headed.response.field("content-length") == whole.response.field("content-length"))
    }

    @Test("an urgent request goes before the next piece, and a later one waits for a piece")
    func turns() {
        let queue = AdminQueue(on: loop)
        var done: [String] = []
        func pieces(_ name: String, _ count: Int) -> AdminQueue.Work {
            .init {
                done.append(name)
                return count > 1 ? pieces(name, count - 1) : nil
            }
        }
        queue.submit(pieces("stats", 3))
        queue.submit(pieces("page", 1))
        queue.submit(pieces("ready", 1), isUrgent: true)
        for _ in 0..<100 where done.count < 5 { loop.runOnce(waiting: true) }
        #expect(done == ["stats", "ready", "stats", "page", "stats"])
    }
}
