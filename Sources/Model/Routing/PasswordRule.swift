// PasswordRule: who may come by a name and a password, as Basic has them (RFC 7617), and what the
// backend is told of it. Fairlead checks them itself, by a list of users.

package import Passwords

/// The users that may come by a password, as an operator writes it. Value type, any thread.
package struct PasswordRule: Sendable {
    /// The users that may come.
    package var users: UserList
    /// What clients are told that the password is for: visible ASCII and spaces.
    package var realm: String
    /// The name of the field that tells the backend the user's name; nil for none.
    package var userField: String?
    /// Whether the backend gets the field Authorization, with the password.
    package var passesAuthorization = false
    /// How long a check may take, with the time that it waits for its turn.
    package var timeout: Duration

    /// The users of `users` may come; the rest is set afterwards.
    package init(_ users: UserList, realm: String, timeout: Duration) {
        self.users = users
        self.realm = realm
        self.timeout = timeout
    }
}

/// A rule in the form in which requests meet it. Immutable, any thread.
package final class RoutePasswords: Sendable {
    /// The users that may come.
    package let users: UserList
    /// The value of WWW-Authenticate: the scheme, the realm, and in which encoding names and
    /// passwords come (RFC 7617, section 2.1).
    package let challenge: [UInt8]
    /// What stands before the user's name in its field line: the name of the field, and a colon;
    /// empty where there is no such line.
    package let userField: [UInt8]
    /// How long a check may take.
    package let timeout: Duration

    init(_ rule: PasswordRule) {
        users = rule.users
        var realm = ""
        // RFC 9110, section 5.6.4: a quoted string.
        for character in rule.realm {
            if character == "\"" || character == "\\" { realm.append("\\") }
            realm.append(character)
        }
        challenge = Array("Basic realm=\"\(realm)\", charset=\"UTF-8\"".utf8)
        userField = rule.userField.map { Array("\($0): ".utf8) } ?? []
        timeout = rule.timeout
    }
}
