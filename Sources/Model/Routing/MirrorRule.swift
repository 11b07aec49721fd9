// MirrorRule: which requests of a route are sent a second time, to another service whose answers
// nobody gets: a new version sees real traffic before it has to answer any of it.

package import Backends

/// What is copied of a route's requests, as an operator writes it. Value type, any thread.
package struct MirrorRule: Sendable, Equatable {
    /// The service that gets the copies.
    package var service: ServiceID
    /// How many of a million requests are copied.
    package var share = MirrorRule.all
    /// The most bytes of the body of a request that is copied, with the framing of its chunks.
    package var bodyMax = MirrorRule.bodyDefault

    /// Each request.
    package static let all = 1_000_000
    /// A body in memory is one that waits to be copied: what forms and calls of an API have, and no
    /// uploads.
    package static let bodyDefault = 65_536

    /// Copies of all requests for `service`.
    package init(_ service: ServiceID) {
        self.service = service
    }
}

/// A rule in the form in which requests meet it. Immutable, any thread.
package final class RouteMirror: Sendable {
    /// The field by which a service tells copies, `1` in each of them: a client can't send it by a
    /// route that has copies made.
    package static let field = "X-Fairlead-Mirror"

    /// The place of the service that gets the copies, in the `services` of the route's table.
    package let place: Int
    /// The most bytes of a body.
    package let bodyMax: Int
    private let share: UInt64

    init(_ rule: MirrorRule, place: Int) {
        precondition((0...MirrorRule.all).contains(rule.share), "a share is a part of all")
        self.place = place
        bodyMax = rule.bodyMax
        share = UInt64(rule.share)
    }

    /// Whether a request is copied, by a random number: each for a whole share, and none for none.
    package func takes(_ random: UInt64) -> Bool {
        // The bias of the remainder is one in 2^44.
        random % UInt64(MirrorRule.all) < share
    }
}
