// Route: a rule in the form in which requests meet it.

package import Access
internal import Backends
package import HTTP1
package import RateLimits

/// A compiled route. Immutable, any thread.
package final class Route: Sendable {
    /// What becomes of a request.
    package enum Action: Sendable {
        /// The request goes to a backend of the service at this place of the table's `services`, so
        /// that a look-up needs an array of just these.
        case forward(place: Int)
        /// The request goes to one of several services.
        case split(Split)
        /// The client is sent elsewhere.
        case redirect(Redirect)
        /// The client gets this.
        case respond(FixedResponse)
        /// The client is told how this process is.
        case respondHealth(HealthQuestion)
    }

    /// What becomes of a request.
    package let action: Action
    /// How the path is changed on its way; nil leaves it.
    package let rewrite: PathRewrite?
    /// Changes of the head that the backend gets; nil for none.
    package let requestEdits: FieldEdits?
    /// Changes of the head that the client gets; nil for none.
    package let responseEdits: FieldEdits?
    /// Which addresses its clients may have, besides what its listener says; nil for all.
    package let access: AddressTable?
    /// How many requests its clients may send, besides what its listener says; empty for any.
    package let rates: [RateLimit]
    /// What another service is asked before a request goes to a backend; nil for nothing.
    package let auth: RouteAuth?
    /// The users that may come by a password; nil lets everybody through to a backend.
    package let passwords: RoutePasswords?
    /// What is sent a second time, to another service; nil for nothing.
    package let mirror: RouteMirror?
    /// Which paths it is for, as text; empty for all.
    package let pattern: [UInt8]
    /// What it says of retries in its service's place; nil for nothing.
    package let retry: RetryRule.Override?
    /// How large bodies may be; nil is as its listener says.
    package let bodyLimits: BodyLimits?
    /// What its clients see of errors; nil for what its listener says.
    package let errorPages: ErrorPages?
    /// How it is closed at present, apart from its listener; nil where it is not.
    package let maintenance: Maintenance?
    /// Whether it is open although its listener may be closed.
    package let staysOpen: Bool
    /// How responses are compressed; nil for not at all.
    package let compression: CompressionRule?

    private let methods: [[UInt8]]
    private let headers: [(name: [UInt8], value: [UInt8]?)]

    /// Asks `place` for the place of the service that the rule forwards to. Goes on with the limits
    /// in `old` that the rule has as well.
    init(_ rule: RouteRule, keeping old: [RateLimit], place: (ServiceID) -> Int) {
        methods = rule.methods.map { Array($0.utf8) }
        headers = rule.headers.map { (Array($0.name.utf8), $0.value.map { Array($0.utf8) }) }
        let auth = rule.action.isForwarding ? rule.auth : nil
        self.auth = auth.map { RouteAuth($0, place: place($0.service)) }
        let mirror = rule.action.isForwarding ? rule.mirror : nil
        self.mirror = mirror.map { RouteMirror($0, place: place($0.service)) }
        var edits = rule.requestEdits
        // Whatever the answer will be: what only that service may say is not for clients to say.
        for name in auth?.taken ?? [] { edits.remove(name) }
        let passwords = rule.action.isForwarding ? rule.passwords : nil
        self.passwords = passwords.map { RoutePasswords($0) }
        if let name = passwords?.userField { edits.remove(name) }
        if passwords?.passesAuthorization == false { edits.remove("authorization") }
        if mirror != nil { edits.remove(RouteMirror.field) }
        requestEdits = edits.isEmpty ? nil : edits
        responseEdits = rule.responseEdits.isEmpty ? nil : rule.responseEdits
        access = AddressTable(rule.access)
        rates = RateLimit.limits(rule.rates, keeping: old)
        retry = rule.retry
        bodyLimits = rule.bodyLimits
        errorPages = rule.errorPages
        maintenance = Maintenance(rule.maintenance)
        staysOpen = rule.maintenance.when != nil && maintenance == nil
        pattern = rule.path.text
        compression = CompressionRule(rule.compression)
        switch rule.action {
        case .forward(let service, let prefix):
            action = .forward(place: place(service))
            rewrite = Self.rewrite(rule.path, prefix)
        case .split(let shares, let prefix):
            action = .split(Split(shares.map { (place($0.service), $0.share) }))
            rewrite = Self.rewrite(rule.path, prefix)
        case .redirect(let redirect):
            action = .redirect(redirect)
            rewrite = nil
        case .respond(let response):
            action = .respond(response)
            rewrite = nil
        case .respondHealth(let question):
            action = .respondHealth(question)
            rewrite = nil
        }
    }

    private static func rewrite(_ path: PathPattern, _ prefix: String?) -> PathRewrite? {
        guard let prefix, case .prefix(let matched) = path else { return nil }
        return PathRewrite(
            dropping: PathPrefix.key(matched).count, prefix: PathPrefix.key(prefix))
    }

    /// How many conditions it has besides host and path: more go before fewer.
    var conditionCount: Int { (methods.isEmpty ? 0 : 1) + headers.count }

    /// Whether the conditions besides host and path hold.
    func admits(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) -> Bool {
        if !methods.isEmpty, !hasMethod(bytes.extracting(head.methodRange.bounds)) { return false }
        for index in headers.indices where !hasHeader(headers[index], head, bytes) { return false }
        return true
    }

    private func hasMethod(_ method: Span<UInt8>) -> Bool {
        for candidate in methods where candidate.isEqual(to: method) { return true }
        return false
    }

    private func hasHeader(
        _ condition: (name: [UInt8], value: [UInt8]?), _ head: borrowing RequestHead,
        _ bytes: Span<UInt8>
    ) -> Bool {
        for index in 0..<head.fieldCount {
            let field = head.field(index)
            guard field.name.count == condition.name.count else { continue }
            let name = bytes.extracting(field.name.bounds)
            guard condition.name.isEqual(toLowercasedOf: name) else { continue }
            guard let value = condition.value else { return true }
            if value.isEqual(to: bytes.extracting(field.value.bounds)) { return true }
        }
        return false
    }
}

extension PathPattern {
    /// `/a` for one path, `/a/*` for it and everything below it; empty for any.
    fileprivate var text: [UInt8] {
        switch self {
        case .any: []
        case .exact(let path): Array(path.utf8)
        case .prefix(let path): PathPrefix.key(path) + Array("/*".utf8)
        }
    }
}

/// The one form of a prefix: without the slash at its end, so that `/` is nothing.
enum PathPrefix {
    static func key(_ prefix: String) -> [UInt8] {
        var bytes = Array(prefix.utf8)
        while bytes.last == 0x2F { bytes.removeLast() }
        return bytes
    }
}

extension [UInt8] {
    func isEqual(to other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }

    /// Whether these bytes, which are in lower case, are `other` but for its case.
    func isEqual(toLowercasedOf other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices {
            let byte = other[index]
            if self[index] != (byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) { return false }
        }
        return true
    }
}
