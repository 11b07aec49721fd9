// Assembly of the admin port: connects its controls to the owners behind them.

internal import Admin

extension AdminControls {
    /// Controls that show `snapshots`, and change by `commands`. They keep both.
    init(_ snapshots: AdminSnapshots, _ commands: AdminCommands) {
        self.init { snapshots.snapshot() }
        figures = { snapshots.snapshot(.figures) }
        verdict = { snapshots.snapshot(.verdict) }
        outline = { snapshots.snapshot(.outline) }
        backendCount = { snapshots.traffic.backendCount }
        backends = { snapshots.traffic.backendSlices(of: $0) }
        metrics.hasBackendHistograms = snapshots.hasBackendHistograms
        configuration = { snapshots.configurationText }
        entries = { snapshots.journalEntries(from: $0) }
        journalEnd = { snapshots.journalEnd }
        change = { commands.change($0, $1, isForced: $2, from: $3) }
        deploy = { commands.deploy($1, of: $0, from: $2) }
        undoDeploy = { commands.undoDeploy(of: $0, from: $1) }
        deployed = { commands.deploys.last(of: $0) }
        reload = { commands.reload(from: $0) }
        setLogLevel = { commands.setLogLevel($0, from: $1) }
    }
}
