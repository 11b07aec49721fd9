// Who says whether a request may go to its backend, as the operator wrote it: a service that is
// asked, or a file of users with their passwords.

package import Passwords
package import Routing

/// What lets a request of a listener or a route go to a backend: a service's word, or a password.
/// Value type, any thread.
package struct AuthSettings: Equatable, Sendable {
    /// The service that is asked, or `off` for none; nil when nothing is said: then a route goes by
    /// its listener.
    package internal(set) var service: String?
    /// The path of the question, with its query.
    package internal(set) var path = "/"
    /// Whether the question has the method of the request. GET, unless that is asked for: services
    /// that answer such questions expect it, and a method that changes something needs a body.
    package internal(set) var keepsMethod = false
    /// The host of the question; nil for that of the request.
    package internal(set) var host: String?
    /// The names of fields of the request that are sent besides `alwaysSent`.
    package internal(set) var send: [String] = []
    /// The names of fields of the answer that the request gets.
    package internal(set) var take: [String] = []
    /// How long an answer may take. A client waits for two answers then, so it is short.
    package internal(set) var timeout = Duration.seconds(2)
    /// What becomes of a request without an answer. Closed, since it may be anybody's.
    package internal(set) var failure = AuthRule.Failure.closed

    /// The file of those who may come by a password; nil for none. Not beside `service`.
    package internal(set) var users: String?
    /// What was in that file; nil until it is read.
    package internal(set) var userList: UserList?
    /// What clients are told that the password is for.
    package internal(set) var realm = "Restricted"
    /// The name of the field that tells the backend the user's name; nil for none.
    package internal(set) var userField: String?
    /// Whether the backend gets the field Authorization. Not unless it is said: a backend that does
    /// not ask for passwords has no use for them, and may write them down.
    package internal(set) var passesAuthorization = false

    /// What nearly every service goes by.
    static let alwaysSent = ["authorization", "cookie"]

    /// The word in the place of a service that stands for none.
    static let off = "off"

    /// The name of the service that is asked; nil for none.
    package var serviceName: String? { service == Self.off ? nil : service }

    /// Whether anything is said: else a route goes by its listener.
    package var isSaid: Bool { service != nil || users != nil }

    /// Whether anybody has a say in requests.
    package var isOn: Bool { serviceName != nil || users != nil }

    /// Whether the option with this key says something where the others say what they do.
    func has(_ key: String) -> Bool {
        switch key {
        case "service": users == nil
        case "users", "realm", "user-field", "pass-authorization": users != nil
        case "timeout": isOn
        default: serviceName != nil
        }
    }

    /// The names of all fields of the request that are sent, each once.
    package var sentFields: [String] {
        Self.alwaysSent + send.filter { !Self.alwaysSent.contains($0.lowercased()) }
    }
}
