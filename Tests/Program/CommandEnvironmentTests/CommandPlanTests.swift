// Goal: a command is started when all is there, restarted once for a burst of changes, and never
// started again by a process that was told to stop. Method: the plan's events under a clock that
// the test moves.

import Glibc
import Testing

@testable import CommandEnvironment
@testable import Consul

@Suite struct CommandPlanTests {
    private let start = ContinuousClock.now

    private func variables(_ pairs: [String: String]) throws -> KeyVariables {
        let entries = pairs.map {
            ConsulKV.Entry(key: $0.key, value: Array($0.value.utf8), flags: 0, modifyIndex: 1)
        }
        return KeyVariables.read([(try KeyPlace("p"), entries)], keepsCase: false).variables
    }

    /// A plan and the time that it is told.
    private struct Scene {
        var plan: CommandPlan
        var now: ContinuousClock.Instant
        var random = SystemRandomNumberGenerator()

        mutating func know(_ variables: KeyVariables) -> [CommandPlan.Action] {
            plan.know(variables, now: now, using: &random)
        }

        mutating func pass(_ time: Duration) -> [CommandPlan.Action] {
            now += time
            return plan.wake(now: now)
        }
    }

    private func scene(
        _ change: (inout CommandPlan.Options) -> Void = { _ in }
    ) -> Scene {
        var options = CommandPlan.Options()
        change(&options)
        return Scene(plan: CommandPlan(options, now: start), now: start)
    }

    @Test("it waits for what is required, and says once what is missing")
    func required() throws {
        var scene = scene { $0.required = ["A", "B"] }
        #expect(scene.know(try variables(["b": "1"])) == [.report(.waiting(missing: ["A"]))])
        #expect(scene.know(try variables(["b": "2"])) == [])
        let all = try variables(["a": "1", "b": "2"])
        #expect(scene.know(all) == [.start(all)])
        // What is required and goes is missed, and nothing else happens.
        #expect(scene.know(try variables(["a": "1"])) == [.report(.kept(missing: ["B"]))])
        #expect(scene.plan.wakeAt == nil)
        #expect(scene.know(all) == [])
        #expect(scene.plan.wakeAt == nil, "all is as it was")
    }

    @Test("the limit of waiting ends it with 125, and counts to the start alone")
    func limit() throws {
        var late = scene {
            $0.required = ["A"]
            $0.startLimit = .seconds(5)
        }
        #expect(late.know(try variables([:])) == [.report(.waiting(missing: ["A"]))])
        #expect(late.pass(.seconds(4)) == [])
        #expect(late.pass(.seconds(1)) == [.report(.gaveUp(missing: ["A"])), .exit(125)])
        #expect(late.know(try variables(["a": "1"])) == [], "it has ended")
        var intime = scene { $0.startLimit = .seconds(5) }
        _ = intime.know(try variables([:]))
        #expect(intime.plan.wakeAt == nil)
    }

    @Test("a burst of changes is one restart, with the last of them")
    func burst() throws {
        var scene = scene()
        _ = scene.know(try variables(["a": "0"]))
        for number in 1...9 {
            #expect(scene.know(try variables(["a": "\(number)"])) == [])
            #expect(scene.pass(.milliseconds(500)) == [])
        }
        #expect(
            scene.pass(.milliseconds(500)) == [.report(.changed(["A"])), .signal(SIGTERM)])
        #expect(scene.plan.replaces)
        #expect(scene.plan.ended(143) == [.start(try variables(["a": "9"]))])
        #expect(!scene.plan.replaces)
        #expect(scene.plan.wakeAt == nil)
    }

    @Test("changes without an end are taken up after ten times the time to settle")
    func endless() throws {
        var scene = scene()
        _ = scene.know(try variables(["a": "0"]))
        var restarts = 0
        for number in 1...40 where restarts == 0 {
            _ = scene.know(try variables(["a": "\(number)"]))
            if !scene.pass(.milliseconds(500)).isEmpty { restarts += 1 }
        }
        #expect(scene.now - start == .seconds(10))
    }

    @Test("a change that is taken back means nothing")
    func takenBack() throws {
        var scene = scene()
        let first = try variables(["a": "0"])
        _ = scene.know(first)
        _ = scene.know(try variables(["a": "1"]))
        #expect(scene.know(first) == [])
        #expect(scene.plan.wakeAt == nil)
        #expect(scene.pass(.seconds(60)) == [])
    }

    @Test("the random wait is a part of the longest, drawn once for a burst")
    func splay() throws {
        var waits: Set<Duration> = []
        for _ in 0..<50 {
            var scene = scene { $0.splay = .seconds(20) }
            _ = scene.know(try variables(["a": "0"]))
            _ = scene.know(try variables(["a": "1"]))
            let due = try #require(scene.plan.wakeAt)
            #expect((start + .seconds(1)...start + .seconds(21)).contains(due))
            waits.insert(due - start)
            _ = scene.pass(.milliseconds(100))
            _ = scene.know(try variables(["a": "2"]))
            #expect(scene.plan.wakeAt == due + .milliseconds(100))
        }
        #expect(waits.count > 40)
    }

    @Test("one that does not end is killed, and then started")
    func killed() throws {
        var scene = scene { $0.killAfter = .seconds(3) }
        _ = scene.know(try variables(["a": "0"]))
        _ = scene.know(try variables(["a": "1"]))
        _ = scene.pass(.seconds(1))
        #expect(scene.pass(.seconds(2)) == [])
        #expect(scene.pass(.seconds(1)) == [.report(.killed), .kill])
        // What is known by the time that it ends is what the next one gets.
        _ = scene.know(try variables(["a": "2"]))
        #expect(scene.plan.ended(137) == [.start(try variables(["a": "2"]))])
        #expect(scene.plan.wakeAt == nil)
    }

    @Test("a signal in place of a restart leaves it running")
    func signalled() throws {
        var scene = scene { $0.reaction = .signal(SIGHUP) }
        _ = scene.know(try variables(["a": "0"]))
        _ = scene.know(try variables(["a": "1"]))
        #expect(scene.pass(.seconds(1)) == [.report(.changed(["A"])), .signal(SIGHUP)])
        #expect(scene.know(try variables(["a": "1"])) == [])
        #expect(scene.plan.wakeAt == nil)
        #expect(scene.plan.ended(0) == [.exit(0)])
    }

    @Test("the code of one that ends by itself becomes this process's")
    func code() throws {
        var scene = scene()
        _ = scene.know(try variables([:]))
        _ = scene.know(try variables(["a": "1"]))
        #expect(scene.plan.ended(3) == [.exit(3)], "a change on its way is no reason to go on")
        #expect(scene.plan.wakeAt == nil)
    }

    @Test(
        "a stop is passed on, and nothing is started after it",
        arguments: [
            SIGTERM, SIGINT, SIGQUIT,
        ])
    func stop(number: Int32) throws {
        var running = scene()
        _ = running.know(try variables(["a": "0"]))
        _ = running.know(try variables(["a": "1"]))
        #expect(running.plan.signalled(SIGUSR1) == [.signal(SIGUSR1)])
        #expect(running.plan.signalled(number) == [.signal(number)])
        #expect(running.pass(.seconds(60)) == [])
        #expect(running.plan.signalled(number) == [.signal(number)])
        #expect(running.plan.ended(0) == [.exit(0)])

        var restarting = scene()
        _ = restarting.know(try variables(["a": "0"]))
        _ = restarting.know(try variables(["a": "1"]))
        _ = restarting.pass(.seconds(1))
        #expect(restarting.plan.signalled(number) == [.signal(number)])
        #expect(restarting.plan.ended(143) == [.exit(143)])

        var waiting = scene { $0.required = ["A"] }
        #expect(waiting.plan.signalled(SIGUSR1) == [])
        #expect(waiting.plan.signalled(number) == [.exit(128 + number)])
    }
}
