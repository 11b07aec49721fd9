// Goal: a path means one thing, and a wrong one is answered with what would be right.

import Testing

@testable import TestBackend

@Suite struct PathTests {
    private func plan(_ path: String) -> BackendPlan {
        BackendPlan(Array(path.utf8).span) { $0 == 100 }
    }

    @Test func `each path means what the help says`() {
        #expect(plan("/") == BackendPlan())
        #expect(plan("/?a=/b") == BackendPlan())
        #expect(plan("*") == BackendPlan())
        #expect(plan("/health") == BackendPlan(content: .text(.ok)))
        #expect(plan("/echo?x") == BackendPlan(content: .echo))
        #expect(plan("/head") == BackendPlan(content: .head))
        #expect(plan("/bytes/0") == BackendPlan(content: .bytes(0, isChunked: false)))
        #expect(
            plan("/bytes/1099511627776")
                == BackendPlan(content: .bytes(1 << 40, isChunked: false)))
        #expect(plan("/chunked/77?y") == BackendPlan(content: .bytes(77, isChunked: true)))
        #expect(plan("/delay/1500") == BackendPlan(delay: 1500))
        #expect(plan("/status/599") == BackendPlan(status: 599, content: .text(.status)))
        #expect(plan("/flaky/99") == BackendPlan())
        #expect(plan("/flaky/100") == BackendPlan(status: 500, content: .text(.failure)))
    }

    @Test(
        "a bad number is told from an unknown path",
        arguments: [
            "/bytes/", "/bytes/x", "/bytes/-1", "/bytes/1099511627777", "/chunked/1/",
            "/bytes/99999999999999999999999", "/delay/600001", "/status/199", "/status/600",
            "/flaky/101", "/flaky/ 1",
        ])
    func badNumber(_ path: String) {
        #expect(plan(path) == BackendPlan(status: 400, content: .text(.badNumber)))
    }

    @Test(
        "an unknown path is not found",
        arguments: ["/x", "/byte/1", "//", "/health/", "/echo/1", "/byteses/1"])
    func unknown(_ path: String) {
        #expect(plan(path) == BackendPlan(status: 404, content: .text(.paths)))
    }

    @Test func `of each hundred requests exactly the percentage fails, evenly`() {
        for percentage: UInt64 in [0, 1, 30, 50, 99, 100] {
            var turns = FlakyTurns()
            let fails = (0..<1000).map { _ in turns.next(percentage) }
            for start in stride(from: 0, to: 1000, by: 100) {
                #expect(fails[start..<start + 100].count { $0 } == Int(percentage))
            }
            if percentage == 50 { #expect(!zip(fails, fails.dropFirst()).contains { $0 == $1 }) }
        }
    }
}
