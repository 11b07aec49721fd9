// Goal: calls of gRPC are told apart by their status, and a histogram's examples are the newest of
// their buckets, never half of one and half of another. Method: plain calls; one test with threads.

import GRPCWire
import Stats
import Synchronization
import TestSupport
import Testing

@Suite struct CallTests {
    @Test("calls are counted by status over all workers, all that gRPC does not define as one")
    func statuses() {
        let registry = StatsRegistry(workers: 2, listeners: 0, services: 2)
        #expect(registry.serviceTotals(0).calls.isEmpty)
        for worker in 0..<2 {
            let calls = registry.service(0, worker: worker)
            for code in [0, 0, 4, 16, 17, 999] { calls.calls.count(code: code, isLate: false) }
            calls.calls.count(code: 4, isLate: true)
        }
        let totals = registry.serviceTotals(0).calls
        #expect(totals[0] == 4 && totals[4] == 4 && totals[16] == 2 && totals.late == 2)
        #expect(totals[CallTotals.others] == 4 && !totals.isEmpty)
        #expect(
            totals.occurring.map { "\($0.name) \($0.count)" } == [
                "OK 4", "DEADLINE_EXCEEDED 4", "UNAUTHENTICATED 2", "OTHER 4",
            ])
        let figures = registry.trafficFigures(0)
        #expect(figures.calls == 14 && figures.lateCalls == 2)
        #expect(registry.trafficFigures(1).calls == 0)
        #expect(totals != CallTotals())
    }

    @Test("a status is called as gRPC calls it")
    func names() {
        for code in 0..<CallTotals.others {
            #expect(CallTotals.name(ofCode: code) == GRPCStatus(code: code).name)
        }
        #expect(GRPCStatus(code: CallTotals.others).name == nil)
    }

    private func exemplar(_ microseconds: Int, at time: UInt64) -> Exemplar {
        Exemplar(high: time, low: time, span: time, microseconds: microseconds, time: time)
    }

    @Test("each bucket has the newest of all workers")
    func newest() {
        let registry = StatsRegistry(workers: 2, listeners: 0, services: 1)
        #expect(registry.serviceTotals(0).exemplars == ExemplarTotals())
        registry.service(0, worker: 0).keep(exemplar(100, at: 5))
        registry.service(0, worker: 0).keep(exemplar(90, at: 3))
        registry.service(0, worker: 1).keep(exemplar(101, at: 2))
        registry.service(0, worker: 1).keep(exemplar(1, at: 4))
        registry.service(0, worker: 1).keep(exemplar(.max, at: 1))
        let totals = registry.serviceTotals(0).exemplars
        // Of one worker the last one stands, whatever its clock said.
        #expect(totals[0] == exemplar(1, at: 4) && totals[1] == exemplar(101, at: 2))
        #expect(totals[2] == nil && totals[16] == exemplar(.max, at: 1))
    }

    @Test("what is read while it is written is one example, and the writer never waits")
    func concurrent() throws {
        final class Shared: Sendable {
            let slots = ExemplarSlots()
            let isOver = Atomic(false)
        }
        let shared = Shared()
        let slots = shared.slots
        try startThread {
            for number in 1...200_000 {
                let number = UInt64(number)
                shared.slots.keep(
                    Exemplar(high: number, low: number, span: number, microseconds: 7, time: number)
                )
            }
            shared.isOver.store(true, ordering: .releasing)
        }
        var last: UInt64 = 0
        while !shared.isOver.load(ordering: .acquiring) {
            guard let read = slots.last(ofBucket: 0) else { continue }
            #expect(read == exemplar(7, at: read.time) && read.time >= last)
            last = read.time
        }
        #expect(slots.last(ofBucket: 0) == exemplar(7, at: 200_000))
    }
}
