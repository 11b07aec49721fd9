// Goal: a document of thousands of backends is the same whether it is made at once or piece by
// piece, and holds up nobody meanwhile. Method: one snapshot, served both ways; a line whose work
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

    /// A service of 600 backends between two of none and of one.
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
        "what is made piece by piece is what is made at once",
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

    @Test("what is urgent goes before the next piece, and what comes after it waits for one")
    func turns() {
        let queue = AdminQueue(on: loop)
        var done: [String] = []
        func pieces(_ name: String, _ count: Int) -> AdminQueue.Work {
            .init {
                done.append(name)
                return count > 1 ? pieces(name, count - 1) : nil
            }
        }
        queue.take(pieces("stats", 3))
        queue.take(pieces("page", 1))
        queue.take(pieces("ready", 1), isUrgent: true)
        for _ in 0..<100 where done.count < 5 { loop.runOnce(waiting: true) }
        #expect(done == ["stats", "ready", "stats", "page", "stats"])
    }
}
