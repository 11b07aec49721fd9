// Assembly of the access log: opens what the configuration asks for.

internal import AccessLog
internal import Configuration
internal import Events

extension AccessLog {
    /// The access log that `configuration` asks for; nil for none.
    convenience init?(_ configuration: Configuration) throws {
        let settings = configuration.accessLog
        let destination: Destination
        switch settings.to {
        case .off: return nil
        case .stdout: destination = .standardOutput
        case .file(let path): destination = .file(path)
        }
        do throws(Errno) {
            try self.init(destination, settings.format, workers: configuration.workers)
        } catch {
            guard case .file(let path) = settings.to else {
                throw StartFailure(description: "cannot start the access log: \(error)")
            }
            throw StartFailure(
                description: """
                    cannot open the access log \(path): \(error): name a file that this user may \
                    write, or stdout
                    """)
        }
    }
}
