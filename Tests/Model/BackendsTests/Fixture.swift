// Fixture: a roster under a clock that only the test moves.

import Backends
import Endpoints
import Testing

/// A fixed beginning; what the machine's clock says does not matter.
let start = ContinuousClock.now

/// 10.0.0.`number`:80.
func endpoint(_ number: Int) -> Endpoint {
    Endpoint(.v4(0x0a00_0000 + UInt32(number)), 80)
}

func instance(_ number: Int, priority: UInt16 = 0, weight: UInt16 = 1) -> Instance {
    Instance(endpoint(number), priority: priority, weight: weight)
}

/// Ejections last exactly as long as they are said to.
struct NoJitter: RandomNumberGenerator {
    mutating func next() -> UInt64 { 0 }
}

/// One roster, its journal, and the time in seconds since `start`.
final class Fixture {
    let journal: Journal
    let roster: Roster
    private(set) var now = start

    init(
        capacity: Int = 1000, ids: BackendIDs = BackendIDs(), places: Int = 1,
        _ change: (inout RosterOptions) -> Void = { _ in }
    ) {
        var options = RosterOptions()
        change(&options)
        journal = Journal(capacity: capacity)
        roster = Roster(
            service: ServiceID(index: 0), options: options, places: places, ids: ids,
            journal: journal, random: NoJitter())
    }

    func wait(_ seconds: Double) {
        now += .milliseconds(Int(seconds * 1000))
        roster.advance(to: now)
    }

    func answer(_ numbers: some Sequence<Int>, from place: Int = 0) {
        roster.apply(.instances(numbers.map { instance($0) }), from: place, now: now)
    }

    func answer(_ instances: [Instance], from place: Int = 0) {
        roster.apply(.instances(instances), from: place, now: now)
    }

    func fail(_ failure: DiscoveryFailure, from place: Int = 0) {
        roster.apply(.failure(failure), from: place, now: now)
    }

    func pass(_ number: Int, times: Int = 1) {
        guard let id = roster.backend(at: endpoint(number))?.id else { return }
        for _ in 0..<times { roster.checkPassed(id, took: .milliseconds(1), now: now) }
    }

    func failCheck(_ number: Int, times: Int = 1, _ failure: CheckFailure = .status(503)) {
        guard let id = roster.backend(at: endpoint(number))?.id else { return }
        for _ in 0..<times { roster.checkFailed(id, failure, took: .milliseconds(1), now: now) }
    }

    func startCheck(_ number: Int) {
        guard let id = roster.backend(at: endpoint(number))?.id else { return }
        roster.checkStarted(id, now: now)
    }

    func failDial(_ number: Int) {
        guard let id = roster.backend(at: endpoint(number))?.id else { return }
        roster.dialFailed(id, .refused, now: now)
    }

    func failLive(_ number: Int, _ failure: LiveFailure = .answers(consecutive: 3, last: 500)) {
        guard let id = roster.backend(at: endpoint(number))?.id else { return }
        roster.liveFailed(id, failure, now: now)
    }

    func prove(_ number: Int) {
        guard let id = roster.backend(at: endpoint(number))?.id else { return }
        roster.liveProven(id, now: now)
    }

    func drained(_ number: Int) {
        guard let id = roster.backend(at: endpoint(number))?.id else { return }
        roster.drained(id, now: now)
    }

    /// The backends 1 to `count`, named and up.
    func fill(_ count: Int) {
        answer(1...count)
        for number in 1...count { pass(number) }
    }

    /// The journal in words, the oldest first.
    var texts: [String] { journal.entries.map(\.event.description) }

    /// The numbers of those in the rotation that are on probation.
    var onProbation: [Int] {
        zip(inRotation, roster.rotation.members).filter(\.1.isOnProbation).map(\.0)
    }

    /// The phase of a backend; nil when it is not on the roster.
    func phase(_ number: Int) -> BackendState.Phase? {
        roster.backend(at: endpoint(number))?.state.phase
    }

    /// The numbers of the backends in the rotation, in its order.
    var inRotation: [Int] {
        roster.rotation.members.map { member in
            guard case .v4(let bits) = member.endpoint.address else { return -1 }
            return Int(bits & 0xff_ffff)
        }
    }
}
