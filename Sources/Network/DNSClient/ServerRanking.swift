// ServerRanking: which server to ask first, which to probe besides, and when to ask none.
//
// Among servers that work the first stays first until another is clearly quicker: two equal ones
// would otherwise change places with every answer. A server that is not first is asked by itself
// now and then (a probe), so that its figures stay true and its return is noticed; that costs a
// query, and delays no question. When every server is away, asking costs each question its whole
// deadline and holds descriptors for nothing: then questions end at once, except that one at a time
// goes through as the probe.

/// The health of a resolver's servers, by index in the configured order. Value type; takes `now`.
package struct ServerRanking: Sendable, Equatable {
    /// The control plane's clock, which this type never reads.
    package typealias Instant = ContinuousClock.Instant

    /// The servers to ask for one question.
    package struct Plan: Equatable, Sendable {
        /// The servers to race, in this order.
        package var servers: [Int]
        /// The servers to send the same query besides, only to know them.
        package var probes: [Int]

        /// Made by a ranking, and by tests for what they expect.
        package init(servers: [Int], probes: [Int] = []) {
            self.servers = servers
            self.probes = probes
        }
    }

    /// How much quicker another server must be to take the first place: by a third …
    private static let ratio = (of: 2, by: 3)
    /// … and by this much, since below it the difference is the scheduler's.
    private static let leastGain = Duration.milliseconds(2)

    /// The record of each server.
    package private(set) var servers: [ServerHealth]
    /// The server that has the first place among those that work; nil before one does.
    private var first: Int?

    /// `count` servers of which nothing is known.
    package init(count: Int) {
        servers = Array(repeating: ServerHealth(), count: count)
    }

    /// Replaces the servers: each is the one that was at `places` before, or a new one of which
    /// nothing is known.
    mutating func replaceServers(_ places: [Int?]) {
        first = first.flatMap { first in places.firstIndex { $0 == first } }
        servers = places.map { place in place.map { servers[$0] } ?? ServerHealth() }
    }

    /// The servers in the order in which a question asks them.
    package var order: [Int] {
        servers.indices.sorted { rank($0) < rank($1) }
    }

    /// An answer of `server` came, `elapsed` after its query was sent.
    package mutating func answered(
        _ server: Int, after elapsed: Duration, overTCP: Bool, now: Instant
    ) {
        servers[server].answered(after: elapsed, overTCP: overTCP, now: now)
    }

    /// A query to `server` that was sent at `sentAt` failed.
    package mutating func failed(
        _ server: Int, _ failure: ServerHealth.Failure, sentAt: Instant, now: Instant
    ) {
        servers[server].failed(failure, sentAt: sentAt, now: now)
    }

    private func rank(_ index: Int) -> (Int, Int, Int, Duration, Int) {
        let health = servers[index]
        let kind =
            switch health.state {
            case .working: 0
            case .untried: 1
            case .failing: 2
            case .away: 3
            }
        // Of those that fail, the one that failed least is first.
        let failures = kind >= 2 ? health.failuresInARow : 0
        let roundTrip = kind == 0 ? health.roundTrip ?? .zero : .zero
        return (kind, failures, index == first ? 0 : 1, roundTrip, index)
    }

    /// Whether to ask nobody: every server is away, and it is not yet time to look after one. Then
    /// it is the server whose failure stands for the others; nil when a server is to be asked.
    /// - Parameter mayProbe: False while no further question may be under way: those that are will
    ///   tell when a server is back.
    package func hopeless(now: Instant, mayProbe: Bool = true) -> Int? {
        guard !servers.isEmpty, servers.allSatisfy({ $0.state == .away }) else { return nil }
        if mayProbe, servers.contains(where: { $0.isProbeDue(now: now) }) { return nil }
        // An error of the network tells more than silence.
        return servers.indices.first { index in
            if case .unreachable = servers[index].lastFailure?.what { true } else { false }
        } ?? 0
    }

    /// The servers to ask for a question that starts at `now`. Counts the probes that it hands out.
    package mutating func plan(now: Instant) -> Plan {
        chooseFirst()
        let order = order
        if order.allSatisfy({ servers[$0].state == .away }) {
            // This question is the probe.
            let due = order.filter { servers[$0].isProbeDue(now: now) }
            for index in due { servers[index].probed(now: now) }
            return Plan(servers: due.isEmpty ? order : due)
        }
        var probes: [Int] = []
        for index in order.dropFirst() {
            if servers[index].isProbeDue(now: now) {
                servers[index].probed(now: now)
                probes.append(index)
            } else {
                servers[index].expectProbe(now: now)
            }
        }
        // Those that are away are asked last, should the others be silent too.
        return Plan(servers: order, probes: probes)
    }

    /// Leaves the first place to the server that has it, unless that does not work or another is
    /// clearly quicker.
    private mutating func chooseFirst() {
        let working = servers.indices.filter { servers[$0].state == .working }
        guard
            let quickest = working.min(by: {
                (servers[$0].roundTrip ?? .zero, $0) < (servers[$1].roundTrip ?? .zero, $1)
            }), let best = servers[quickest].roundTrip
        else { return }
        guard let first, servers[first].state == .working, let now = servers[first].roundTrip else {
            self.first = quickest
            return
        }
        if best * Self.ratio.by <= now * Self.ratio.of, now - best >= Self.leastGain {
            self.first = quickest
        }
    }
}
