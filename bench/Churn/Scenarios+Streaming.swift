// Scenarios of clients that hold streams open beside the usual load. What counts is that the load
// stays fair while some backends carry streams and others do not, and that the streams of a backend
// that leaves do not all end, and come back, in the same instant.

internal import BenchSupport
internal import Glibc

extension Scenario {
    static let streaming = [
        Scenario(
            name: "streams-replaced",
            title: "three that hold 300 streams are replaced in one change; they exit 14 s later",
            streams: 300, settings: ["FAIRLEAD_DRAIN_LIMIT": "9s"], movement: .lastToLeaver,
            bar: Bar(
                failedMax: 0, movedMaxSeconds: 2, unevenMax: 1.5, streamsTogetherMax: 0.2)
        ) { stage in
            let leavers = stage.instances
            try replaceAll(stage)
            stage.sleep(12)
            for leaver in leavers { leaver.process.signal(SIGTERM) }
            stage.sleep(3)
        },
        Scenario(
            name: "streams-scaled-out", title: "three that hold 300 streams become six",
            streams: 300, movement: .everyNewcomerUsed,
            bar: Bar(failedMax: 0, movedMaxSeconds: 1.5, unevenMax: 1.5, streamsTogetherMax: 0.2)
        ) { stage in
            let newcomers = try stage.launch(3)
            stage.marks.newcomers = newcomers.map(\.number)
            stage.marks.event = try stage.register(newcomers)
            stage.sleep(2)
            stage.markFair(among: 6)
            stage.sleep(6)
        },
    ]
}
