// Assembly of the state file: where good answers are kept for the next process.

internal import Configuration
internal import Events
internal import InstanceSources

extension StateFile {
    /// The state file of `configuration`, which logs whether it can be read and written; nil for
    /// none.
    convenience init?(
        _ configuration: Configuration, on loop: EventLoop, log: @escaping () -> Log
    ) {
        guard let path = configuration.stateFile else { return nil }
        self.init(path: path, on: loop) { log().write($0, path: path) }
    }
}
