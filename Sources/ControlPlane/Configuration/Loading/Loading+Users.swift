// Reading of files of users. They are read and checked with the configuration, as pages are: a
// start or a reload that names a broken one is refused, and what runs keeps what it has.

package import Documents
package import Passwords
internal import Traffic

/// Reads files of users.
package enum UserFile {
    /// The users of the file at `path`, each with a hash that this machine can check. Loads the
    /// library for that, and blocks for as long as a disk does.
    ///
    /// - Throws: what is wrong with the file, or with the machine.
    package static func read(_ path: String) throws(FileTextError) -> UserList {
        do throws(PasswordsUnavailable) {
            try PasswordHashing.load()
        } catch {
            throw FileTextError(
                text: "found no libcrypt (\(error)), expected its library, which checks passwords: "
                    + "install libcrypt1, or let a service say who may come (auth.service)")
        }
        let text = try NamedText.read(path: path)
        let users: UserList
        do throws(UserListProblem) {
            users = try UserList(text.text)
        } catch {
            throw FileTextError(text: error.text)
        }
        if let strange = users.samples.first(where: { !PasswordHashing.knows($0) }) {
            throw FileTextError(
                text: "found a hash by \(strange.kind.name), which this machine's libcrypt does "
                    + "not know, expected bcrypt: `htpasswd -B FILE USER` makes it")
        }
        return users
    }
}

extension Loading {
    /// Reads the files of users of all listeners and routes, but for those that are known; adds to
    /// errors.
    mutating func readUsers() {
        guard purpose == .serving else { return }
        for index in listeners.indices where listeners[index].value.mode == .http {
            let listener = listeners[index]
            var auth = listener.value.auth
            read(
                &auth,
                at: listener.given["auth.users"] ?? given["defaults.auth.users"] ?? listener.origin)
            listeners[index].value.auth = auth
            for place in listener.value.routes.indices {
                var auth = listener.value.routes[place].auth
                read(&auth, at: listener.routeOrigins[place])
                listeners[index].value.routes[place].auth = auth
            }
        }
    }

    private mutating func read(_ auth: inout AuthSettings, at origin: Origin) {
        guard let path = auth.users else { return }
        auth.userList = userList(path, at: origin)
    }

    /// The users of the file at `path`; nil where it can't be read, which is added to errors, once.
    private mutating func userList(_ path: String, at origin: Origin) -> UserList? {
        // Listeners and routes may share files.
        if let users = draft.configuration.files.users[path] { return users }
        guard !brokenFiles.contains(path) else { return nil }
        do throws(FileTextError) {
            // What is known is in use, whatever its file says by now.
            let users =
                if let known = knownFiles.users[path] { known } else { try UserFile.read(path) }
            draft.configuration.files.users[path] = users
            return users
        } catch {
            brokenFiles.insert(path)
            errors.add("\(quoted(path)): \(error.text)", at: origin)
            return nil
        }
    }
}
