// Goal: what workers count is what a snapshot shows, added up and by the right name.
// Method: plain calls; one test with real threads.

import Stats
import Testing

@Suite struct StatsTests {
    @Test("workers' blocks are added up")
    func totals() {
        let registry = StatsRegistry(workers: 3, listeners: 1, services: 2)
        registry.addBackend(7)
        for worker in 0..<3 {
            registry.service(1, worker: worker).add(.requests, worker + 1)
            registry.listener(0, worker: worker).add(.open, 2)
            registry.backend(7, worker: worker).add(.inFlight, 1)
        }
        registry.listener(0, worker: 1).add(.open, -1)
        #expect(registry.serviceTotals(1)[.requests] == 6)
        #expect(registry.serviceTotals(0)[.requests] == 0)
        #expect(registry.listenerTotals(0)[.open] == 5)
        #expect(registry.backendTotals(7)[.inFlight] == 3)
    }

    @Test("every counter has a place of its own, in blocks and in totals")
    func places() {
        let (listener, service, backend) = (
            ListenerCounters(), ServiceCounters(), BackendCounters()
        )
        for (index, name) in ListenerCounter.allCases.enumerated() { listener.add(name, index) }
        for (index, name) in ServiceCounter.allCases.enumerated() { service.add(name, index) }
        for (index, name) in BackendCounter.allCases.enumerated() { backend.add(name, index) }
        #expect(
            ListenerCounter.allCases.map { listener[$0] }
                == Array(0..<ListenerCounter.allCases.count))
        #expect(
            ServiceCounter.allCases.map { service[$0] }
                == Array(0..<ServiceCounter.allCases.count))
        #expect(
            BackendCounter.allCases.map { backend[$0] }
                == Array(0..<BackendCounter.allCases.count))
    }

    @Test("no two counters are shown under one name")
    func names() {
        func check(_ forms: [CounterForm]) {
            let series = forms.map { "\($0.metric) \($0.label?.value ?? "")" }
            #expect(Set(series).count == forms.count)
            #expect(Set(forms.map { "\($0.group ?? "") \($0.key)" }).count == forms.count)
        }
        check(ListenerCounter.allCases.compactMap(\.form))
        check(ServiceCounter.allCases.compactMap(\.form))
        check(BackendCounter.allCases.compactMap(\.form))
    }

    @Test("failures are shown by cause, over all workers")
    func traffic() {
        let registry = StatsRegistry(workers: 2, listeners: 0, services: 1)
        for worker in 0..<2 {
            let counters = registry.service(0, worker: worker)
            for status in [500, 503, 503, 504, 502, 507, 999] {
                counters.failedStatuses.count(status: status)
            }
            counters.add(.failed, 9)
            counters.add(.noBackend, 2)
            counters.add(.shortages, 3)
            counters.add(.cutShort, 7)
            counters.add(.ownCuts, 5)
            for _ in 0..<11 { counters.duration.record(microseconds: 7) }
        }
        let figures = registry.trafficFigures(0)
        #expect(figures.ended == 22)
        #expect(figures.failed == 18)
        #expect(
            FailureCause.allCases.map { figures[$0] } == [2, 2, 4, 2, 4, 4, 0, 6, 0, 0, 4, 10])
        #expect(registry.trafficFigures(1).ended == 0)
    }

    @Test("a backend that was removed is not seen any more, even while a worker counts for it")
    func backends() {
        let registry = StatsRegistry(workers: 1, listeners: 0, services: 0)
        registry.addBackend(1)
        let block = registry.backend(1, worker: 0)
        block.add(.requests)
        #expect(registry.backend(1, worker: 0) === block)
        #expect(registry.backendTotals(1)[.requests] == 1)
        registry.removeBackend(1)
        // A late request, and a worker that hears of it late: they count nowhere, and harm nothing.
        block.add(.requests)
        registry.backend(1, worker: 0).add(.requests)
        #expect(registry.backendTotals(1) == BackendTotals())
    }

    @Test(
        "a listener in another's place counts in the same blocks, which outlive that one's number")
    func listeners() {
        let registry = StatsRegistry(workers: 2, listeners: 1, services: 0)
        registry.listener(0, worker: 1).add(.accepted, 3)
        registry.addListener(1, continuing: 0)
        registry.addListener(2)
        registry.listener(1, worker: 1).add(.accepted)
        #expect((0..<3).map { registry.listenerTotals($0)[.accepted] } == [4, 4, 0])
        registry.removeListener(0)
        #expect((0..<3).map { registry.listenerTotals($0)[.accepted] } == [0, 4, 0])
    }

    @Test("a service that was removed is not seen any more, even while a worker counts for it")
    func services() {
        let registry = StatsRegistry(workers: 2, listeners: 0, services: 1)
        registry.addService(5)
        let block = registry.service(5, worker: 1)
        block.add(.requests, 3)
        #expect(registry.serviceTotals(5)[.requests] == 3)
        registry.removeService(5)
        block.add(.requests)
        // A worker that hears of it late gets a block as well.
        registry.service(5, worker: 0).add(.requests)
        #expect(registry.serviceTotals(5) == ServiceTotals())
        registry.service(0, worker: 1).add(.requests)
        #expect(registry.serviceTotals(0)[.requests] == 1)
    }

    @Test(
        "a duration falls into the bucket whose upper bound it does not exceed",
        arguments: [
            (0, 0), (100, 0), (101, 1), (250, 1), (1_000, 3), (10_000_000, 15), (10_000_001, 16),
        ])
    func buckets(microseconds: Int, bucket: Int) {
        let histogram = Histogram()
        histogram.record(microseconds: microseconds)
        #expect(histogram.totals.counts.firstIndex(of: 1) == bucket)
        #expect(histogram.totals.sumMicroseconds == microseconds)
    }

    @Test("quantiles are interpolated within their bucket")
    func quantiles() throws {
        let histogram = Histogram()
        #expect(histogram.totals.quantileMicroseconds(0.5) == nil)
        for _ in 0..<90 { histogram.record(microseconds: 200) }
        for _ in 0..<10 { histogram.record(microseconds: 900) }
        let totals = histogram.totals
        #expect(totals.count == 100)
        let median = try #require(totals.quantileMicroseconds(0.5))
        #expect(median > 100 && median < 250)
        let p99 = try #require(totals.quantileMicroseconds(0.99))
        #expect(p99 > 500 && p99 < 1_000)
        histogram.record(microseconds: 60_000_000)
        #expect(histogram.totals.quantileMicroseconds(1) == 10_000_000)
    }
}
