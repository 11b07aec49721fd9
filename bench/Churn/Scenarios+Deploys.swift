// Scenarios of deploys that change the whole set at once. The old instances go on working, as they
// do where an orchestrator gives them time to finish: it is up to the proxy to leave them.

internal import BenchSupport

extension Scenario {
    static let deploys = [
        Scenario(
            name: "blue-green", title: "three are replaced by three others in one change",
            movement: .lastToLeaver,
            bar: Bar(failedMax: 0, movedMaxSeconds: 2, unevenMax: 1.5)
        ) { stage in
            try replaceAll(stage)
            stage.sleep(6)
        },
        Scenario(
            name: "canary-back",
            title: "a canary comes, is rolled back 4 s later; 3 s later blue/green of the rest",
            movement: .lastToLeaver, bar: Bar(failedMax: 0, movedMaxSeconds: 2)
        ) { stage in
            let canary = try stage.launch(1)
            try stage.register(canary)
            stage.sleep(4)
            stage.mark()
            stage.marks.leavers = canary.map(\.number)
            try stage.deregister(canary[0])
            stage.sleep(3)
            try stage.replace(stage.instances, by: try stage.launch(3))
            stage.sleep(6)
        },
        Scenario(
            name: "scaled-down", title: "eight become three in one change; the five go on working",
            instances: 8, movement: .lastToLeaver,
            bar: Bar(failedMax: 0, movedMaxSeconds: 3, unevenMax: 1.5)
        ) { stage in
            let leavers = Array(stage.instances.prefix(5))
            stage.mark()
            stage.marks.leavers = leavers.map(\.number)
            try stage.replace(leavers, by: [])
            stage.sleep(3)
            stage.markFair(among: 3)
            stage.sleep(6)
        },
    ]

    /// Three new instances in place of all, in one change; fair shares count from two seconds
    /// later.
    static func replaceAll(_ stage: Stage) throws {
        let newcomers = try stage.launch(3)
        stage.marks.leavers = stage.instances.map(\.number)
        stage.marks.event = try stage.replace(stage.instances, by: newcomers)
        stage.sleep(2)
        stage.markFair(among: 3)
    }
}
