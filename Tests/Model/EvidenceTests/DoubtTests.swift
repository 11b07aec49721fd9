// Goal: a request that can't fail twice goes where nothing speaks against the backend, as long as
// there is such a one. Method: records in each state, and a real balancer.

import Backends
import Balancing
import Endpoints
import Evidence
import Testing

@Suite struct DoubtTests {
    @Test("others that wait in silence speak against a backend: for what is stuck there sooner")
    func waiting() {
        var service = Service()
        service.begin(on: 0)
        #expect(!service.isDoubtful(0, isRepeatable: false))
        service.now = 1019
        #expect(!service.isDoubtful(0, isRepeatable: false))
        service.now = 1020
        #expect(service.isDoubtful(0, isRepeatable: false))
        #expect(!service.isDoubtful(0, isRepeatable: true))
        service.now = 1375
        #expect(service.isDoubtful(0, isRepeatable: true))
        // Nobody waits at the others.
        #expect(!service.isDoubtful(1, isRepeatable: false))
        service.backends[0].end(.request)
        #expect(!service.isDoubtful(0, isRepeatable: true))
    }

    @Test("where answers take long, it takes longer")
    func usualWait() {
        var service = Service()
        for _ in 0..<1000 { service.serve(by: 1, after: 400) }
        service.begin(on: 0)
        service.now = 1700
        #expect(!service.isDoubtful(0, isRepeatable: true))
        service.now = 1850
        #expect(service.isDoubtful(0, isRepeatable: true))
        #expect(!service.isDoubtful(0, isRepeatable: false))
        service.now = 2650
        #expect(service.isDoubtful(0, isRepeatable: false))
    }

    @Test("a dial that failed speaks against a backend for a second, or until it is heard")
    func dial() {
        var service = Service()
        _ = service.backends[0].dialFailed(now: Service.nanoseconds(1000))
        #expect(service.isDoubtful(0, isRepeatable: true))
        service.now = 1999
        #expect(service.isDoubtful(0, isRepeatable: true))
        service.backends[0].heardAt = Service.nanoseconds(1500)
        #expect(!service.isDoubtful(0, isRepeatable: true))
        service.backends[0].heardAt = 0
        service.now = 2000
        #expect(!service.isDoubtful(0, isRepeatable: true))
    }

    @Test("a dead backend is reported ten times a second at most, whatever for")
    func pace() {
        var record = BackendRecord(BackendID(rawValue: 1))
        var due: [Int] = []
        for time in stride(from: 100, to: 400, by: 10)
        where record.dialFailed(now: Service.nanoseconds(time)) {
            due.append(time)
        }
        #expect(due == [100, 200, 300])
    }

    @Test("what can be sent again goes where its turn is; a POST, and what has failed, elsewhere")
    func pick() throws {
        var service = Service()
        let balancer = Balancer.make(BalancerOptions(policy: .firstFit), worker: 0)
        let members = service.backends.enumerated().map { place, record in
            Rotation.Member(
                id: record.id, endpoint: Endpoint(.v4(0x7F00_0001), UInt16(8000 + place)),
                weight: 1, priority: 0)
        }
        let rotation = Rotation(service: ServiceID(index: 0), generation: 1, tiers: [members])
        balancer.update(to: rotation, inFlightMax: 100) { _ in 0 }
        func pick(_ change: (inout PickRequest) -> Void = { _ in }) -> Pick {
            var request = PickRequest()
            change(&request)
            return service.evidence.pick(
                for: request, by: balancer, at: Moment(now: Service.nanoseconds(service.now)),
                record: { service.backends[$0] })
        }
        _ = service.backends[0].dialFailed(now: Service.nanoseconds(1000))
        #expect(pick() == .backend(0))
        #expect(pick { $0.isRepeatable = false } == .backend(1))
        #expect(pick { $0.tried.insert(BackendID(rawValue: 9)) } == .backend(1))
        // Where something speaks against all, the first choice stands.
        for place in 1...2 {
            _ = service.backends[place].dialFailed(now: Service.nanoseconds(1000))
        }
        #expect(pick { $0.isRepeatable = false } == .backend(0))
    }
}
