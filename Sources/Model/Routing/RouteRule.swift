// What an operator's route says, before it is compiled: which requests it is for, and what becomes
// of them. Plain values; the configuration has checked them.

package import Access
package import Backends
package import HTTP1
package import RateLimits

/// Which requests a route is for, and what becomes of them.
package struct RouteRule: Sendable {
    /// Which hosts.
    package var host = HostPattern.any
    /// Which paths.
    package var path = PathPattern.any
    /// The methods as they are sent; empty for all.
    package var methods: [String] = []
    /// All must hold.
    package var headers: [HeaderCondition] = []
    /// What becomes of the request.
    package var action: RouteAction
    /// What is changed in the head that the backend gets.
    package var requestEdits = FieldEdits()
    /// What is changed in the head that the client gets.
    package var responseEdits = FieldEdits()
    /// Which addresses its clients may have, besides what its listener says.
    package var access = AddressRules()
    /// How many requests its clients may send, besides what its listener says.
    package var rates: [RateRule] = []
    /// What another service is asked before a request goes to a backend; nil for nothing.
    package var auth: AuthRule?
    /// The users that may come by a password; nil lets everybody through to a backend. Not beside
    /// `auth`.
    package var passwords: PasswordRule?
    /// What is sent a second time, to another service; nil for nothing.
    package var mirror: MirrorRule?
    /// What it says of retries in its service's place; nil for nothing.
    package var retry: RetryRule.Override?
    /// How large bodies may be; nil is as its listener says.
    package var bodyLimits: BodyLimits?
    /// What its clients see of errors; nil for what its listener says.
    package var errorPages: ErrorPages?
    /// When it is closed; without `when` as its listener is.
    package var maintenance = MaintenanceRule()
    /// How responses are compressed: what its listener says, and what the route says in its place.
    package var compression = CompressionOptions()

    /// For every request; the rest is set afterwards.
    package init(_ action: RouteAction) {
        self.action = action
    }
}

/// Hosts, without port; letter case does not matter.
package enum HostPattern: Hashable, Sendable {
    /// Any, and none.
    case any
    /// One path.
    case exact(String)
    /// Every name of one label or more in front of this one: `*.example.com` is
    /// `under("example.com")`.
    case under(String)
}

/// Paths, without query; compared byte by byte.
package enum PathPattern: Hashable, Sendable {
    case any
    /// One path.
    case exact(String)
    /// One path and everything below it: `/api` has `/api` and `/api/x`, not `/apix`. A slash at
    /// its end does not matter.
    case prefix(String)
}

/// A field that a request must have.
package struct HeaderCondition: Hashable, Sendable {
    /// Its name in lower case.
    package var name: String
    /// What one of its lines must say, byte by byte; nil for anything.
    package var value: String?

    /// `name` is made lower-case.
    package init(_ name: String, _ value: String?) {
        self.name = name.lowercased()
        self.value = value
    }
}

/// What becomes of a request.
package enum RouteAction: Sendable {
    /// The request goes to a backend of this service. `prefix` replaces what a prefix route
    /// matched; nil leaves the path as it is.
    case forward(ServiceID, prefix: String?)
    /// The request goes to one of these services by chance, in proportion to their shares: none
    /// below 0, and not all 0. `prefix` is that of `forward`.
    case split([(service: ServiceID, share: Int)], prefix: String?)
    /// The client is sent elsewhere.
    case redirect(Redirect)
    /// The client gets this.
    case respond(FixedResponse)
    /// The client is told how this process is.
    case respondHealth(HealthQuestion)

    /// Whether requests go to backends.
    var isForwarding: Bool {
        switch self {
        case .forward, .split: true
        case .redirect, .respond, .respondHealth: false
        }
    }
}

/// What a load balancer in front may ask about this process.
package enum HealthQuestion: String, CaseIterable, Sendable {
    /// Whether requests should be sent here.
    case ready
    /// Whether the process works on requests at all.
    case live

    /// The answer, which every client may read: it has no reasons.
    package func answer(isReady: Bool) -> FixedResponse {
        switch self {
        case .live: Self.isLiveAnswer
        case .ready: isReady ? Self.isReadyAnswer : Self.isNotReadyAnswer
        }
    }

    private static let isLiveAnswer = FixedResponse(200, "live\n")
    private static let isReadyAnswer = FixedResponse(200, "ready\n")
    private static let isNotReadyAnswer = FixedResponse(503, "not ready\n")
}

/// An answer that is always the same.
package struct FixedResponse: Sendable {
    /// 200 to 599.
    package var status: Int
    /// The media type of the body.
    package var contentType: String
    /// What it says; may be empty.
    package var body: [UInt8]

    /// All of it is the operator's.
    package init(status: Int, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    fileprivate init(_ status: Int, _ text: String) {
        self.init(
            status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }
}
