// A listener's routes as the operator wrote them, checked; the program compiles them into a table.

package import Access
package import RateLimits
package import Routing
package import Traffic

/// Which requests a route is for, and what becomes of them.
package struct RouteSettings: Equatable, Sendable {
    /// A name, or `*.` and a name; nil for any host.
    package internal(set) var host: String?
    /// The name that a TLS client asks for (SNI), or `*.` and a name; nil for any, and none. For
    /// listeners of mode `tcp`, where a route has this, `protocols` and `service` alone.
    package internal(set) var serverName: String?
    /// The protocols (ALPN) of which a TLS client has to offer one; empty for any.
    package internal(set) var protocols: [String] = []
    /// The path as a whole, without query.
    package internal(set) var path: String?
    /// The path, or what it begins with, segment by segment.
    package internal(set) var pathPrefix: String?
    /// Empty for all.
    package internal(set) var methods: [String] = []
    /// Fields that a request must have.
    package internal(set) var headers: [Header] = []

    /// The service whose backends get the request.
    package internal(set) var service: String?
    /// Services that share its requests, and the share of each in percent, 100 together; empty for
    /// `service` alone.
    package internal(set) var split: [Share] = []
    /// When its requests are tried again, where that differs from their service's.
    package internal(set) var retry = RetryRule.Override()
    /// Whether those get the path without `pathPrefix`.
    package internal(set) var stripPrefix = false
    /// What they get in the place of `pathPrefix`.
    package internal(set) var replacePrefix: String?
    /// Which addresses its clients may have, besides what its listener says.
    package internal(set) var access = AddressRules()
    /// How many requests its clients may send, besides what its listener says.
    package internal(set) var rates: [RateRule] = []
    /// How large bodies may be, where that differs from what its listener says.
    package internal(set) var bodyLimits = BodySizes()
    /// What its clients see of errors, by status, before what its listener says.
    package internal(set) var errorPages: [PageRule] = []
    /// Whether they see it in the place of backends' answers as well; nil is as its listener says.
    package internal(set) var errorPagesOfBackends: Bool?
    /// When it is closed; without `when` as its listener is.
    package internal(set) var maintenance = MaintenanceRule()
    /// What lets its requests go to a backend, where that differs from what its listener says.
    package internal(set) var auth = AuthSettings()
    /// What is sent to another service as well.
    package internal(set) var mirror = MirrorSettings()
    /// Where the client is sent instead.
    package internal(set) var redirect = Redirect()
    /// What the client gets instead.
    package internal(set) var respond = Respond()
    /// What its clients are told of using HTTPS alone, where that differs from their listener's.
    package internal(set) var strictTransport = StrictTransport()
    /// How its responses are compressed, where that differs from their listener's.
    package internal(set) var compression = CompressionOptions.Override()
    /// Changes of the head that the backend gets.
    package internal(set) var requestHeaders = HeaderEdits()
    /// Changes of the head that the client gets.
    package internal(set) var responseHeaders = HeaderEdits()

    /// A field that a request must have.
    package struct Header: Hashable, Sendable {
        /// Its name; letter case does not matter.
        package var name: String
        /// Its value; nil for any.
        package var value: String?
    }

    /// The names of the services that get its requests.
    package var serviceNames: [String] { split.map(\.service) + (service.map { [$0] } ?? []) }

    /// The part of the requests that a service gets.
    package struct Share: Equatable, Sendable {
        /// Its name.
        package var service: String
        /// In percent.
        package var percent: Int
    }

    /// A redirect.
    package struct Redirect: Equatable, Sendable {
        /// Its target, with `{scheme}`, `{host}`, `{port}`, `{path}` and `{query}` for the
        /// request's own; nil for no redirect.
        package internal(set) var to: String?

        /// The target in full; nil for no redirect.
        package var target: String? {
            guard let port = httpsPort else { return to }
            return "https://{host}\(port == 443 ? "" : ":\(port)"){path}{query}"
        }

        /// The port of the same host by HTTPS, where that is the target.
        var httpsPort: UInt16? { to.flatMap(Self.httpsPort) }

        /// The port that `https` or `https:PORT` stands for; nil for anything else.
        static func httpsPort(_ text: String) -> UInt16? {
            guard text.hasPrefix("https") else { return nil }
            let rest = text.dropFirst("https".count)
            if rest.isEmpty { return 443 }
            guard rest.first == ":", rest.dropFirst().allSatisfy(\.isNumber) else { return nil }
            return UInt16(rest.dropFirst()).flatMap { $0 > 0 ? $0 : nil }
        }

        /// 302, since browsers remember 301 forever; 308 to HTTPS, which keeps the method, and is
        /// meant to be remembered.
        package internal(set) var status = 302
    }

    /// Limits of bodies in bytes: `Int.max` for any size, nil for as the listener says.
    package struct BodySizes: Equatable, Sendable {
        /// A request's body.
        package internal(set) var request: Int?
        /// A response's body.
        package internal(set) var response: Int?

        /// No sizes of its own: those of the listener hold.
        package init() {}
    }

    /// A response of Fairlead's own.
    package struct Respond: Equatable, Sendable {
        /// The question about this process that the response answers; nil for a fixed response or
        /// none.
        package internal(set) var health: HealthQuestion?
        /// Nil for no fixed response.
        package internal(set) var status: Int?
        /// What it says.
        package internal(set) var body = ""
        /// The media type of `body`.
        package internal(set) var contentType = "text/plain; charset=utf-8"
    }

    /// Changes of a head's fields.
    package struct HeaderEdits: Equatable, Sendable {
        /// Names of fields that are removed.
        package internal(set) var remove: [String] = []
        /// Fields of which there is one line then, with this value.
        package internal(set) var set: [Line] = []
        /// Lines that are added.
        package internal(set) var add: [Line] = []

        /// A field line.
        package struct Line: Hashable, Sendable {
            /// Its name.
            package var name: String
            /// Its value.
            package var value: String
        }
    }
}
