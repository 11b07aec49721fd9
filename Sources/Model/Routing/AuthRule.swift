// AuthRule: which service is asked whether a request may go to its backend, and how. The question
// is the head of a request, without the body; the answer is a status, and fields.

package import Backends
package import HTTP1

/// What a service is asked before a request goes to a backend, as an operator writes it. Value
/// type, any thread.
package struct AuthRule: Sendable, Equatable {
    /// What becomes of a request when the service gives no answer that says yes or no.
    package enum Failure: String, CaseIterable, Sendable {
        /// The client gets 503.
        case closed
        /// The request goes on.
        case open
    }

    /// The service that is asked.
    package var service: ServiceID
    /// The path of the question, with its query.
    package var path = "/"
    /// Whether the question has the method of the request; GET otherwise.
    package var keepsMethod = false
    /// The host of the question; nil for that of the request.
    package var host: String?
    /// The names of fields of the request that are sent with the question.
    package var sent: [String] = []
    /// The names of fields of the answer that the request gets in the place of its own.
    package var taken: [String] = []
    /// How long the answer may take.
    package var timeout: Duration
    /// What becomes of a request without an answer.
    package var failure = Failure.closed

    /// A question to `service` that may take `timeout`; the rest is set afterwards.
    package init(_ service: ServiceID, timeout: Duration) {
        self.service = service
        self.timeout = timeout
    }
}

/// A rule in the form in which requests meet it. Immutable, any thread.
package final class RouteAuth: Sendable {
    /// The place of the service that is asked, in the `services` of the route's table.
    package let place: Int
    /// What the service is asked.
    package let question: AuthQuestion
    /// The fields of the answer that the request gets.
    package let taken: FieldList
    /// How long the answer may take.
    package let timeout: Duration
    /// Whether a request goes on without an answer.
    package let isOpen: Bool

    init(_ rule: AuthRule, place: Int) {
        self.place = place
        question = AuthQuestion(
            path: rule.path, host: rule.host, keepsMethod: rule.keepsMethod, fields: rule.sent)
        taken = FieldList(rule.taken)
        timeout = rule.timeout
        isOpen = rule.failure == .open
    }
}
