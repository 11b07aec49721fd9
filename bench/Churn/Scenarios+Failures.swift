// Scenarios of one instance that goes wrong.

internal import BenchSupport
internal import Glibc

extension Scenario {
    static let failures = [
        Scenario(
            name: "killed", title: "SIGKILL of one of three", movement: .lastBad,
            bar: Bar(failedGetsMax: 0, failedPostStatus: 502, movedMaxSeconds: 0.5)
        ) { stage in
            stage.mark()
            stage.instances[0].process.signal(SIGKILL)
            stage.sleep(6)
        },
        Scenario(
            name: "hung", title: "SIGSTOP of one of three, for 8 s", movement: .lastBad,
            bar: Bar(failedGetsMax: 0, slowMaxAt250: 4, movedMaxSeconds: 0.5)
        ) { stage in
            stage.mark()
            stage.instances[0].process.signal(SIGSTOP)
            stage.sleep(8)
            // What waited in its sockets is executed now.
            stage.instances[0].process.signal(SIGCONT)
            stage.sleep(3)
        },
        Scenario(
            name: "failing",
            title: "one of three answers 500 to everything, checks included, for 8 s",
            checksByHTTP: true, movement: .lastBad, bar: Bar(failedMax: 5, movedMaxSeconds: 0.5)
        ) { stage in
            stage.mark()
            try stage.set(.failing, on: [stage.instances[0]])
            stage.sleep(8)
            try stage.set(.none, on: [stage.instances[0]])
            stage.sleep(3)
        },
        Scenario(
            name: "failing-unnoticed",
            title: "one of three answers 500, its check still 200, for 15 s",
            checksByHTTP: true, movement: .lastBad, bar: Bar(failedMax: 3)
        ) { stage in
            stage.mark()
            try stage.set(.failingUnnoticed, on: [stage.instances[0]])
            stage.sleep(15)
            try stage.set(.none, on: [stage.instances[0]])
            stage.sleep(3)
        },
        Scenario(
            name: "flapping", title: "an instance that flaps every second for 20 s",
            checksByHTTP: true, bar: Bar(failedMax: 0, shareMax: 0.4)
        ) { stage in
            let flapping = stage.instances[0]
            stage.mark()
            stage.marks.watched = flapping.number
            for second in 0..<20 {
                try stage.set(second % 2 == 0 ? .sick : .none, on: [flapping])
                // A registry without checks is told by whoever runs the instance.
                if let named = stage.registry as? NamedRegistry {
                    if second % 2 == 0 {
                        try named.deregister(flapping)
                    } else {
                        _ = try named.register([flapping])
                    }
                }
                stage.sleep(1)
            }
            stage.markRecovery()
            stage.sleep(3)
        },
    ]
}
