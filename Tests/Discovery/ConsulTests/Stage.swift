// Stage: a stand-in with its thread, agents that ask it, and a loop that the test turns.

import Backends
import ConsulQuery
import DNSClient
import Endpoints
import Events
import InstanceSources
import Lookups
import TestSupport
import Testing

@testable import Consul

/// What most tests of this module need. One per test.
final class Stage {
    let loop = EventLoop()
    let standIn: ConsulStandIn

    init() throws {
        standIn = try ConsulStandIn()
    }

    deinit {
        standIn.stop()
    }

    /// Agents that wait for a second only, and a second for what is not waited for.
    func agents(_ change: (inout ConsulOptions) -> Void = { _ in }) -> ConsulAgents {
        var policy = ConsulPolicy()
        policy.wait = .seconds(1)
        policy.answerTimeout = .seconds(1)
        var options = ConsulOptions(agents: [standIn.place], token: nil, policy)
        change(&options)
        return ConsulAgents(options, on: loop)
    }

    /// Prepared queries are asked for again soon.
    var refresh: RefreshSchedule.Options {
        var refresh = RefreshSchedule.Options()
        refresh.floor = .milliseconds(20)
        refresh.ceiling = .milliseconds(20)
        return refresh
    }

    /// A source that has begun to ask for `query`, and what it reports.
    func source(
        _ query: String, _ agents: ConsulAgents? = nil, resolver: Resolver? = nil
    ) throws -> (ConsulSource, Heard<DiscoveryAnswer>) {
        let source = ConsulSource(
            try ConsulServiceQuery(query), agents: agents ?? self.agents(), refresh: refresh,
            resolver: resolver)
        let heard = Heard<DiscoveryAnswer>()
        source.start { heard.append($0) }
        return (source, heard)
    }

    /// Turns the loop until `condition` holds.
    func turn(
        until what: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () -> Bool
    ) {
        guard !loop.turn(until: condition) else { return }
        Issue.record("gave up waiting until \(what)", sourceLocation: sourceLocation)
    }

    /// Turns the loop for as long.
    func turn(for duration: Duration) { loop.turn(for: duration) }
}

extension ConsulStandIn {
    /// Where it is asked, without TLS.
    var place: ConsulAgentPlace { ConsulAgentPlace(target) }
}

/// What was reported, in order. Kept by the closures that report.
final class Heard<Value> {
    private(set) var all: [Value] = []
    func append(_ value: Value) { all.append(value) }
    var last: Value? { all.last }
    var count: Int { all.count }
}

/// In which way an answer is a failure; nil for instances.
func kind(_ answer: DiscoveryAnswer?) -> HoldKind? {
    guard case .failure(let failure) = answer else { return nil }
    return failure.kind
}

/// The endpoints that an answer names, in order; nil for a failure.
func endpoints(_ answer: DiscoveryAnswer?) -> [String]? {
    guard case .instances(let instances) = answer else { return nil }
    return instances.map(\.endpoint).sorted().map(\.description)
}
