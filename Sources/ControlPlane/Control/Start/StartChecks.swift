// StartChecks: finds out without starting whether a start with a valid configuration would fail. It
// opens files to read, or to write if they exist, and creates, writes and listens on nothing.
//
// | what a start needs                 | when it can't be had                                      |
// |------------------------------------|-----------------------------------------------------------|
// | the file of a token                | an error                                                  |
// | the access log, to be written      | an error                                                  |
// | the user to become                 | an error                                                  |
// | addresses that this machine has    | a warning: the one that checks may be another machine, or |
// |                                    | another user; whether they are in use says nothing, since |
// |                                    | the Fairlead that runs has them                           |
// | the state file, files of instances | a warning: a start goes on without                        |

package import Configuration
internal import Consul
internal import Documents
internal import Endpoints
internal import Events
internal import Glibc
internal import InstanceSources
internal import Machine

/// Checks what a configuration names on this machine. Blocks as long as the disk does.
package struct StartChecks {
    /// Why a start would fail, each with its key.
    package private(set) var errors: [String] = []
    /// What a start would go on without.
    package private(set) var warnings: [String] = []

    /// Looks for everything that `configuration` needs.
    package init(_ configuration: Configuration) {
        lookForTokens(configuration)
        if case .file(let path) = configuration.accessLog.to, let why = whyUnwritable(path) {
            errors.append("access-log.to: \(path) \(why)")
        }
        if let user = configuration.user, !Privileges.isKnown(user) {
            errors.append("user: found no user \(user), expected one of /etc/passwd or a number")
        }
        if let path = configuration.stateFile {
            if let why = whyFolderUnwritable(of: path) {
                warnings.append("state-file: \(path) \(why)")
            }
        }
        for service in configuration.services { lookForInstances(service) }
        let listeners = configuration.listeners.map { ("listener \($0.name)", $0.listen) }
        let admin = configuration.admin.listen.map { [("admin", $0)] } ?? []
        let health = configuration.health.listen.map { ("health", $0) }
        for (key, endpoint) in listeners + admin + health { tryAddress(key, endpoint) }
    }

    private mutating func lookForTokens(_ configuration: Configuration) {
        do {
            _ = try configuration.admin.readToken()
            // Where Consul is not used, its variables may belong to another program.
            if configuration.usesConsul {
                _ = try configuration.consul.readToken()
            }
        } catch {
            errors.append("\(error)")
        }
    }

    private mutating func lookForInstances(_ service: Service) {
        guard case .file(let path) = service.sources.first else { return }
        do {
            _ = try FileTargets.parse(NamedText.read(path: path))
        } catch let error as FileTextError {
            warnings.append("services.\(service.name).file: \(path) \(error.text)")
        } catch {
            warnings.append("services.\(service.name).file: \(path): \(error)")
        }
    }

    private mutating func tryAddress(_ key: String, _ endpoint: Endpoint) {
        do throws(Errno) {
            try Socket.checkFree(endpoint)
        } catch .addressInUse {
            return
        } catch {
            warnings.append("\(key): \(StartFailure(listeningOn: endpoint, error))")
        }
    }

    // MARK: - Files

    /// Why `path` can't be written, as a clause; nil when it can, or could be made.
    private func whyUnwritable(_ path: String) -> String? {
        // The file is not created or truncated, and a pipe without a reader does not block.
        let descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        if descriptor >= 0 {
            close(descriptor)
            return nil
        }
        let error = Errno.current
        return error.rawValue == ENOENT
            ? whyFolderUnwritable(of: path) : "can't be written: \(error)"
    }

    /// Why no file can be created beside `path`, as a clause; nil when one can.
    private func whyFolderUnwritable(of path: String) -> String? {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard unsafe access(folder, W_OK | X_OK) != 0 else { return nil }
        return "can't be made: \(folder): \(Errno.current)"
    }
}
