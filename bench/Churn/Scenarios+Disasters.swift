// Scenarios of everything at once: the registry, all checks, all instances.

extension Scenario {
    static let disasters = [
        Scenario(
            name: "registry-away",
            title: "the registry down for 20 s, then empty for 10 s, then back",
            bar: Bar(failedMax: 0)
        ) { stage in
            stage.mark()
            stage.registry.stop()
            stage.sleep(20)
            try stage.registry.start()
            stage.sleep(10)
            try stage.registry.register(stage.instances)
            stage.sleep(4)
        },
        Scenario(
            name: "all-sick", title: "every check fails for 8 s while the application works",
            checksByHTTP: true, bar: Bar(failedMax: 0)
        ) { stage in
            stage.mark()
            try stage.set(.sick, on: stage.instances)
            stage.sleep(8)
            try stage.set(.none, on: stage.instances)
            stage.sleep(4)
        },
        Scenario(
            name: "all-failing", title: "every backend answers 500 for 8 s, then recovers",
            checksByHTTP: true, movement: .firstGood,
            // One interval of Fairlead's checks.
            bar: Bar(slowMaxAt250: 0, movedMaxSeconds: 2, answersOnly: true)
        ) { stage in
            stage.mark()
            try stage.set(.failing, on: stage.instances)
            stage.sleep(8)
            try stage.set(.none, on: stage.instances)
            stage.markRecovery()
            stage.sleep(5)
        },
    ]
}
