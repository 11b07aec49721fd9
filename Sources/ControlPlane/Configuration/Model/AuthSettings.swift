// Who is asked whether a request may go to its backend, as the operator wrote it.

package import Routing

/// What a listener or a route has a service asked before its requests go to a backend. Value type,
/// any thread.
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

    /// What nearly every service goes by.
    static let alwaysSent = ["authorization", "cookie"]

    /// The word in the place of a service that stands for none.
    static let off = "off"

    /// The name of the service that is asked; nil for none.
    package var serviceName: String? { service == Self.off ? nil : service }

    /// The names of all fields of the request that are sent, each once.
    package var sentFields: [String] {
        Self.alwaysSent + send.filter { !Self.alwaysSent.contains($0.lowercased()) }
    }
}
