// Goal: whatever churn draws, one instance that a proxy relies on is left alone, and everything
// that goes can return. Method: two thousand steps on a model of the instances, for several seeds.

import Demo
import Testing

@Suite struct ChurnTests {
    @Test(
        "one steady instance always serves, every action occurs, and a seed repeats itself",
        arguments: [1, 2, 3, 0xdead_beef] as [UInt64])
    func invariant(seed: UInt64) {
        var plan = ChurnPlan(seed: seed)
        var twin = ChurnPlan(seed: seed)
        var members = (1...3).map { Self.member("web-\($0)") }
        // Steps since each became well; steady from two on.
        var wellSteps = [2, 2, 2]
        var seen: [String: Int] = [:]
        for _ in 0..<2000 {
            let command = plan.next(members)
            #expect(command == twin.next(members))
            guard let command else { continue }
            seen[String("\(command)".prefix { $0 != "(" }), default: 0] += 1
            Self.apply(command, to: &members)
            if members.count > wellSteps.count { wellSteps.append(0) }
            for index in members.indices {
                let isWell =
                    members[index].isAnnounced && members[index].isRunning
                    && members[index].isHealthy
                wellSteps[index] = isWell ? wellSteps[index] + 1 : 0
                members[index].isSteady = wellSteps[index] >= 2
            }
            #expect(members.contains { $0.isSteady })
            #expect(members.count <= ChurnPlan.membersMax)
        }
        for action in ["add", "remove", "crash", "fail", "recover", "start"] {
            #expect(seen[action, default: 0] > 0, "\(action) never happened")
        }
    }

    @Test("a lone instance is never harmed, a lone unsteady one neither")
    func lone() {
        for isSteady in [true, false] {
            var plan = ChurnPlan(seed: 7)
            var member = Self.member("web-1")
            member.isSteady = isSteady
            for _ in 0..<100 { #expect(plan.next([member]) == .add) }
        }
    }

    private static func member(_ name: String) -> ChurnPlan.Member {
        ChurnPlan.Member(
            name: name, isAnnounced: true, isRunning: true, isHealthy: true, isSteady: true)
    }

    private static func apply(_ command: DemoCommand, to members: inout [ChurnPlan.Member]) {
        func change(_ name: String, _ body: (inout ChurnPlan.Member) -> Void) {
            guard let index = members.firstIndex(where: { $0.name == name }) else {
                Issue.record("there is no \(name)")
                return
            }
            body(&members[index])
        }
        switch command {
        case .add: members.append(member("web-\(members.count + 1)"))
        case .remove(let name):
            change(name) {
                $0.isAnnounced = false
                $0.isRunning = false
            }
        case .crash(let name): change(name) { $0.isRunning = false }
        case .fail(let name): change(name) { $0.isHealthy = false }
        case .recover(let name): change(name) { $0.isHealthy = true }
        case .start(let name):
            change(name) {
                $0.isAnnounced = true
                $0.isRunning = true
                $0.isHealthy = true
            }
        case .churn, .calm: Issue.record("not a step")
        }
    }
}
