// Log+StateFile: log lines about the state file.

internal import Configuration
internal import InstanceSources

extension Log {
    /// Writes an event of the state file at `path`.
    func write(_ event: StateFile.Event, path: String) {
        switch event {
        case .unreadable(let why):
            write(
                .warning, "state.unreadable",
                ["file": path, "cause": why, "effect": "starts without the last good answers"])
        case .unwritable(let why):
            write(
                .warning, "state.unwritable",
                ["file": path, "cause": why, "effect": "a start without discovery finds nothing"])
        case .written:
            write(.info, "state.written", ["file": path])
        }
    }
}
