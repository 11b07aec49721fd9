// Goal: the status of a call of gRPC counts like the status of HTTP that means the same, and a
// deadline that the caller has set against nobody. Method: a table of all statuses.

import Backends
import Evidence
import GRPCWire
import Testing

@Suite struct CallVerdictTests {
    private static let failed: [Int: Int] = [2: 500, 4: 504, 13: 500, 14: 503]
    private static let neutral: Set = [1, 12, 15, 17, 999]

    @Test("what each status is like", arguments: Array(0...17) + [999])
    func verdict(code: Int) {
        let expected: CallVerdict =
            if let status = Self.failed[code] {
                .failed(like: status)
            } else {
                Self.neutral.contains(code) ? .neutral : .good
            }
        let status = GRPCStatus(code: code)
        #expect(CallVerdict(status, isTimeOver: false) == expected)
        #expect(CallVerdict(status, isTimeOver: true) == (code == 4 ? .neutral : expected))
    }

    @Test("a head without its status shows no more than that the backend answers")
    func heard() {
        var service = Service()
        _ = service.fail(at: 0)
        _ = service.fail(at: 0)
        service.begin(on: 0)
        service.evidence.heard(
            from: &service.backends[0], after: 1, now: Service.nanoseconds(service.now))
        #expect(service.fail(-14, at: 0) == .answers(consecutive: 3, last: -14))
        service.enter(1, isOnProbation: true)
        #expect(service.evidence.succeeded(&service.backends[1]) == .good(endsProbation: true))
    }
}
