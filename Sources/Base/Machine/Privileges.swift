// Privileges: who may bind to port 80 need not serve it as root.

internal import Glibc

/// Why a process did not become another user's, as a sentence for the operator.
package struct PrivilegeFailure: Error, Equatable, CustomStringConvertible {
    /// What was found, and what to do.
    package let description: String
}

/// Whose process this is.
package enum Privileges {
    /// Makes the process that of `user`, a name or a number, with the user's groups, for good. All
    /// threads: glibc tells each (nptl(7)). Nothing happens when it is the user's already.
    ///
    /// - Throws: there is no such user, or the process may not change.
    package static func become(_ user: String) throws(PrivilegeFailure) {
        guard let entry = find(user) else {
            throw PrivilegeFailure(
                description: "found no user \(user), expected one of /etc/passwd or a number")
        }
        if geteuid() == entry.user, getuid() == entry.user { return }
        guard unsafe initgroups(entry.name, entry.group) == 0, setgid(entry.group) == 0,
            setuid(entry.user) == 0
        else {
            throw PrivilegeFailure(
                description: "can't become user \(user): only root can; start as root, or leave "
                    + "user out")
        }
        // Anything else would be a false promise.
        precondition(setuid(0) != 0 || entry.user == 0, "privileges came back")
    }

    /// Whether there is such a user, by name or number.
    package static func isKnown(_ user: String) -> Bool { find(user) != nil }

    private struct Entry {
        var name: String
        var user: uid_t
        var group: gid_t
    }

    private static func find(_ user: String) -> Entry? {
        // The entry lies in glibc's memory until the next call; it is copied at once.
        let found =
            if let number = uid_t(user) { unsafe getpwuid(number) } else { unsafe getpwnam(user) }
        guard let entry = unsafe found else { return nil }
        return unsafe Entry(
            name: String(cString: entry.pointee.pw_name), user: entry.pointee.pw_uid,
            group: entry.pointee.pw_gid)
    }
}
