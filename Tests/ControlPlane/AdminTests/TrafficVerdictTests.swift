// Goal: the verdict begins with what live requests show, as a sentence with figures, time and
// cause. Method: snapshots with readings made by hand; sentences are compared as a whole.

import Admin
import Stats
import Testing
import Traffic

@Suite struct TrafficVerdictTests {
    private func trouble(
        _ level: FailureShare.Level, _ failed: Int, of ended: Int, seconds: Int = 10
    ) -> AdminSnapshot.Trouble {
        // 2026-11-22T22:09:24Z.
        .init(
            reading: .init(level: level, since: 0, seconds: seconds, ended: ended, failed: failed),
            since: Sample.now - 36)
    }

    private func verdict(_ change: (inout AdminSnapshot) -> Void) -> AdminVerdict {
        var snapshot = Sample.healthy
        change(&snapshot)
        return AdminVerdict(snapshot)
    }

    @Test("a single backend whose answers all fail is red, though it is up and in the rotation")
    func onlyBackend() {
        let verdict = verdict { snapshot in
            snapshot.services[0].backends.removeLast(2)
            snapshot.services[0].failures = trouble(.half, 280, of: 280)
            snapshot.services[0].failureCause = .status500
        }
        #expect(verdict.level == .failing)
        #expect(verdict.sentence == "Requests are failing: one thing is wrong.")
        #expect(
            verdict.problems.map(\.text) == [
                "web: 28 of 28 requests a second fail since 22:09:24, status 500; the only backend "
                    + "in the rotation is kept although its answers fail."
            ])
        #expect(verdict.isReady, "another Fairlead would have the same backends")
    }

    @Test(
        "a shortage of this machine, or a cut by Fairlead, is not blamed on the backends",
        arguments: [
            (
                FailureCause.shortage,
                "status 503: this machine has no room for a connection to a backend"
            ),
            (.outOfTime, "their time, or that of a drain, is over before their end"),
        ])
    func ownDoing(cause: FailureCause, said: String) {
        let verdict = verdict { snapshot in
            snapshot.services[0].failures = trouble(.half, 280, of: 280)
            snapshot.services[0].failureCause = cause
        }
        #expect(
            verdict.problems.map(\.text) == [
                "web: 28 of 28 requests a second fail since 22:09:24, \(said)."
            ])
    }

    @Test("what becomes of copies is told, and fails no client's request")
    func copies() {
        let text = "next: 28 of 28 requests a second fail since 22:09:24"
        for isMirror in [true, false] {
            let verdict = verdict { snapshot in
                var next = snapshot.services[0]
                next.name = "next"
                next.backends = []
                next.failures = trouble(.half, 280, of: 280)
                snapshot.services.append(next)
                if isMirror {
                    snapshot.listeners[0].mirrors = ["next"]
                } else {
                    snapshot.listeners[0].services.append("next")
                }
            }
            let texts = verdict.problems.map(\.text)
            #expect(texts.contains { $0.hasPrefix(text) }, "\(texts)")
            #expect(verdict.level == (isMirror ? .warning : .failing))
            #expect(
                texts.contains { $0.hasSuffix("; copies of requests get to none.") } == isMirror)
            #expect(verdict.isReady)
        }
        // Copies make nothing ready.
        let verdict = verdict { snapshot in
            var next = snapshot.services[0]
            next.name = "next"
            snapshot.services[0].backends = []
            snapshot.services.append(next)
            snapshot.listeners[0].mirrors = ["next"]
        }
        #expect(!verdict.isReady)
    }

    @Test("a twentieth is amber, and slow traffic is reported by counts")
    func some() {
        let verdict = verdict { snapshot in
            snapshot.services[0].failures = trouble(.some, 4, of: 60, seconds: 42)
            snapshot.services[0].failureCause = .timeout
        }
        #expect(verdict.level == .warning)
        #expect(
            verdict.problems.map(\.text) == [
                "web: 4 of 60 requests of the last 42 s failed, since 22:09:24, status 504: the "
                    + "backends do not answer in time."
            ])
    }

    @Test(
        "refusals by limits, routes and the budget are reported, and clients that give up"
    )
    func others() {
        let verdict = verdict { snapshot in
            snapshot.services[0].failures = trouble(.half, 600, of: 1000)
            snapshot.services[0].failureCause = .overLimit
            snapshot.services[0].abandonments = trouble(.some, 80, of: 1000)
            snapshot.services[0].denials = trouble(.half, 600, of: 1000)
            snapshot.listeners[0].refusals = trouble(.half, 55, of: 100)
            snapshot.listeners[0].unrouted = trouble(.some, 100, of: 1004)
        }
        #expect(
            verdict.problems.map { "\($0.level): \($0.text)" } == [
                "failing: web: 60 of 100 requests a second fail since 22:09:24, status 503: the "
                    + "service or its backends have as many as limits allow.",
                "failing: public ([::]:8080): 6 of 10 connections a second are closed at once "
                    + "since 22:09:24: it has as many as limits.connections allows.",
                "warning: web: 8 of 100 requests a second are given up by their clients since "
                    + "22:09:24, before an answer began.",
                "warning: web: 60 of 100 requests a second are not tried again since 22:09:24: the "
                    + "retry budget is spent.",
                "warning: public ([::]:8080): 10 of 100 requests a second get 404 since 22:09:24: "
                    + "no route is for them.",
            ])
    }

    @Test("calls that end at their clients' deadlines are reported, red from a half on")
    func lateCalls() {
        let rows: [(FailureShare.Level, Int, String)] = [
            (.some, 380, "warning"), (.half, 600, "failing"),
        ]
        for (level, late, name) in rows {
            let verdict = verdict { snapshot in
                snapshot.services[0].lateCalls = trouble(level, late, of: 1000)
            }
            #expect(
                verdict.problems.map { "\($0.level): \($0.text)" } == [
                    "\(name): web: \(late / 10) of 100 calls a second end at their deadline since "
                        + "22:09:24: the backends take longer than clients wait."
                ])
            #expect(verdict.isReady, "another Fairlead would have the same backends")
        }
    }

    @Test("for TCP the sentence has connections, and every cause has a phrase")
    func causes() {
        for cause in FailureCause.allCases {
            for mode in ListenerMode.allCases {
                let verdict = verdict { snapshot in
                    snapshot.services[0].mode = mode
                    snapshot.services[0].failures = trouble(.half, 50, of: 60)
                    snapshot.services[0].failureCause = cause
                }
                let text = verdict.problems.first?.text ?? ""
                let what = mode == .http ? "requests" : "connections"
                #expect(text.hasPrefix("web: 5 of 6 \(what) a second fail since 22:09:24, "))
                #expect(text.hasSuffix("."))
            }
        }
    }
}
