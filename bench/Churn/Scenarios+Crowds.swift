// Scenarios of many instances, of which many go wrong, or some all the time.

internal import BenchSupport
internal import Glibc

extension Scenario {
    static let crowds = [
        Scenario(
            name: "fifteen-killed", title: "SIGKILL of 15 of 20 at once", instances: 20,
            bar: Bar(failedGetsMax: 0, failedPostStatus: 502, unevenMax: 1.5)
        ) { stage in
            stage.mark()
            for instance in stage.instances.prefix(15) { instance.process.signal(SIGKILL) }
            stage.sleep(3)
            stage.markFair(among: 5)
            stage.sleep(4)
        },
        Scenario(
            name: "fifteen-hung", title: "SIGSTOP of 15 of 20 at once, for 8 s", instances: 20,
            bar: Bar(failedGetsMax: 0, slowMaxAt250: 30, unevenMax: 1.5)
        ) { stage in
            stage.mark()
            let hung = stage.instances.prefix(15)
            for instance in hung { instance.process.signal(SIGSTOP) }
            stage.sleep(4)
            stage.markFair(among: 5)
            stage.sleep(4)
            stage.markRecovery()
            // What waited in their sockets is executed now.
            for instance in hung { instance.process.signal(SIGCONT) }
            stage.sleep(3)
        },
        hundred(workers: 1), hundred(workers: 2),
        Scenario(
            name: "idle-closes",
            title: "60 instances that each get a POST about when they close what rests for 1 s",
            instances: 60, idleSeconds: 1, schedule: Schedule(gets: 0, posts: 57),
            bar: Bar(failedMax: 3)
        ) { stage in
            stage.mark()
            stage.sleep(50)
        },
    ]

    private static func hundred(workers: Int) -> Scenario {
        Scenario(
            name: "hundred-\(workers)",
            title: "100 instances for 40 s: each second one is replaced, every fourth one killed, "
                + "every fifth one hung for 3 s; 1,000 requests a second, \(workers) "
                + (workers == 1 ? "worker" : "workers"),
            instances: 100, schedule: Schedule(gets: 950, posts: 50), workers: workers,
            bar: Bar(failedGetsMax: 0, unevenMax: 1.5)
        ) { stage in
            stage.markFair(among: 100)
            for second in 1...40 { try churn(second, stage) }
            stage.sleep(3)
        }
    }

    /// One second of it: some deploy, some crash, some hang, as where many teams share a cluster.
    private static func churn(_ second: Int, _ stage: Stage) throws {
        let old = stage.instances[0]
        let isKilled = second % 4 == 0
        if isKilled { old.process.signal(SIGKILL) }
        let newcomer = try stage.launch(1)
        try stage.replace([old], by: newcomer)
        let hung = second % 5 == 0 ? stage.instances[50] : nil
        hung?.process.signal(SIGSTOP)
        stage.sleep(1)
        if !isKilled { old.process.signal(SIGTERM) }
        // Two more seconds of it, during which nothing else happens to it.
        if let hung {
            stage.sleep(2)
            hung.process.signal(SIGCONT)
        }
    }
}
