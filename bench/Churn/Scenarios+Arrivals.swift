// Scenarios of deploys: instances, and Fairlead itself, come and go as they should.

internal import BenchSupport
internal import Glibc

extension Scenario {
    static let arrivals = [
        Scenario(
            name: "added", title: "an instance is added", movement: .everyNewcomerUsed,
            bar: Bar(failedMax: 0, movedMaxSeconds: 1.5)
        ) { try add(1, $0) },
        Scenario(
            name: "nine-added", title: "nine at once, all on one address", sharesAddress: true,
            movement: .everyNewcomerUsed, bar: Bar(failedMax: 0, movedMaxSeconds: 1.5)
        ) { try add(9, $0, sharingAddress: true) },
        Scenario(
            name: "deregistered", title: "deregistered, exits 1 s later", movement: .lastToLeaver,
            bar: Bar(failedMax: 0, movedMaxSeconds: 1.5)
        ) { stage in
            let leaver = stage.instances[0]
            stage.mark()
            try stage.deregister(leaver)
            stage.marks.leavers = [leaver.number]
            stage.sleep(1)
            leaver.process.signal(SIGTERM)
            stage.sleep(4)
        },
        Scenario(
            name: "rolling", title: "rolling replacement of all three, twice",
            bar: Bar(failedMax: 0)
        ) { stage in
            for _ in 0..<6 {
                let old = stage.instances[0]
                try stage.register(try stage.launch(1))
                try stage.deregister(old)
                stage.sleep(2)
                old.process.signal(SIGTERM)
            }
            stage.sleep(2)
        },
        Scenario(
            name: "restarted",
            title: "the proxy is told to stop while a second one shares its ports",
            sharesPorts: true, bar: Bar(failedMax: 0)
        ) { stage in
            try stage.replaceProxies()
            stage.sleep(2)
        },
    ]

    private static func add(_ count: Int, _ stage: Stage, sharingAddress: Bool = false) throws {
        let newcomers = try stage.launch(count, sharingAddress: sharingAddress)
        stage.marks.newcomers = newcomers.map(\.number)
        stage.marks.event = try stage.register(newcomers)
        stage.sleep(5)
    }
}
