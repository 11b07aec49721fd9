// PasswordHashing: the one file that calls libcrypt (Base/CCrypt).

internal import CCrypt

/// What a check of a password came to.
package enum PasswordVerdict: Sendable {
    /// The password makes the hash.
    case right
    /// The password makes another one.
    case wrong
    /// The library could not say, mostly for want of memory: nothing is known of the password.
    case unchecked
}

/// Checks the password, without a zero byte, against the hash. Takes as long as the hash is meant
/// to, up to a second or two; any thread, and several at once.
package typealias PasswordCheck =
    @Sendable (
        _ password: [UInt8], _ hash: PasswordHash
    ) -> PasswordVerdict

/// Why no password can be checked on this machine: the loader's words.
package struct PasswordsUnavailable: Error, CustomStringConvertible, Sendable {
    /// What the loader said.
    package let description: String
}

/// Hashes of passwords, by the system's library.
package enum PasswordHashing {
    /// Loads the library, the first time.
    package static func load() throws(PasswordsUnavailable) {
        if let problem { throw PasswordsUnavailable(description: problem) }
    }

    // What went wrong when it was loaded; nil: nothing. Once in a process, at the first look.
    private static let problem: String? = {
        // The loader's text, valid until its next call.
        guard let text = unsafe password_hash_load() else { return nil }
        return unsafe String(cString: text)
    }()

    /// Whether the library, which is loaded, knows hashes of this kind.
    package static func knows(_ hash: PasswordHash) -> Bool {
        // A text for the time of the call.
        unsafe password_hash_is_known(hash.text)
    }

    /// Checks by the library, which is loaded.
    package static let check: PasswordCheck = { password, hash in
        precondition(problem == nil, "passwords are checked once the library is loaded")
        var text = password.map { CChar(bitPattern: $0) }
        text.append(0)
        // Both are texts for the time of the call, with a zero byte at their ends.
        let verdict = unsafe password_hash_check(text, hash.text)
        return switch verdict {
        case password_right: .right
        case password_wrong: .wrong
        default: .unchecked
        }
    }
}
