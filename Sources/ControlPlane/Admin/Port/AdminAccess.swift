// AdminAccess: who may ask what of the admin port. Five questions, in this order: is the name one
// of ours (DNS rebinding), did a proxy pass the request on, does the token fit, does the request
// come from another site's page, and may anything be changed at all.

internal import Endpoints
internal import HTTP1
internal import HTTPServer

/// The rules of who may use the admin port, and for what. Any thread.
package struct AdminAccess: Sendable {
    private let host: AdminHost
    private let token: BearerToken?
    /// Whether nothing can be changed.
    package let isReadOnly: Bool
    private let isBehindProxy: Bool

    /// For a server that answers to `host`; with a `token`, which is not empty, only to those who
    /// bring it. With `isBehindProxy` a proxy stands before it on purpose.
    package init(
        host: AdminHost, token: String? = nil, isReadOnly: Bool = false,
        isBehindProxy: Bool = false
    ) {
        self.isBehindProxy = isBehindProxy
        self.host = host
        self.token = token.map(BearerToken.init)
        self.isReadOnly = isReadOnly
    }

    /// Whether requests have to bring a token.
    var needsToken: Bool { token != nil }

    /// Whether `request` brings the token, if one is needed.
    func isTrusted(_ request: HTTPServerRequest) -> Bool {
        token?.matches(request.field("authorization")) ?? true
    }

    /// - Throws: when the request is for a name that is none of ours.
    func checkHost(_ request: HTTPServerRequest) throws(AdminProblem) {
        guard !host.accepts(request.host) else { return }
        throw AdminProblem(
            403,
            "The admin port does not answer to the name \(AdminProblem.shown(request.host)): a web "
                + "page could have had its own name resolve to this machine.",
            expected: "localhost or the address that the port listens on; or add the name to "
                + "admin.hosts")
    }

    /// - Throws: when a proxy has passed the request on. Whoever asks it from outside looks like
    ///   this machine to a port on loopback; and the proxy may be this process, to which somebody
    ///   named its own admin port as a backend.
    func checkProxy(_ request: HTTPServerRequest) throws(AdminProblem) {
        guard !isBehindProxy else { return }
        let isPassedOn = request.hasField {
            $0 == "via" || $0 == "forwarded" || $0.hasPrefix("x-forwarded-")
        }
        guard isPassedOn else { return }
        throw AdminProblem(
            403, "A proxy has passed the request on: it has Via, Forwarded or X-Forwarded fields.",
            expected:
                "a request straight to the admin port; or, for a proxy that stands before it on "
                + "purpose, admin.behind-proxy: on")
    }

    /// - Throws: when it has to bring a token and does not.
    func checkToken(_ request: HTTPServerRequest) throws(AdminProblem) {
        guard !isTrusted(request) else { return }
        throw AdminProblem(
            401, "The admin port needs a token.",
            expected: "the field Authorization: Bearer TOKEN, with the token of admin.token or "
                + "admin.token-file")
    }

    /// - Throws: when a change comes from a page of another site, or none is allowed.
    func checkChange(_ request: HTTPServerRequest) throws(AdminProblem) {
        // Browsers tell it of every request, and no page can change it; nobody else sends the
        // field.
        let isForeign = request.field("sec-fetch-site").map {
            !["same-origin", "none"].contains($0.lowercased())
        }
        guard isForeign != true else {
            throw AdminProblem(
                403, "The request comes from a page of another site.",
                expected: "no Sec-Fetch-Site, or same-origin: the admin page itself")
        }
        // Browsers name the page's origin in every POST; nobody else sends the field.
        guard request.count(of: "origin") <= 1 else {
            throw AdminProblem(
                403, "The request has more than one Origin.",
                expected: "no Origin, or that of the admin port itself")
        }
        if let origin = request.field("origin")?.lowercased() {
            let own = request.host.lowercased()
            guard origin == "http://\(own)" || origin == "https://\(own)" else {
                throw AdminProblem(
                    403, "The request comes from a page of \(AdminProblem.shown(origin)).",
                    expected: "no Origin, or that of the admin port itself")
            }
        }
        guard !isReadOnly else {
            throw AdminProblem(
                403, "The admin port is read-only.",
                expected: "GET; to change something, start with admin.read-only: off")
        }
    }
}

/// A token that is compared in a time that does not depend on how much of it was guessed.
struct BearerToken: Sendable {
    private let bytes: [UInt8]

    init(_ text: String) {
        precondition(!text.isEmpty, "an empty token would let everyone in")
        bytes = Array(text.utf8)
    }

    /// Whether the value of an Authorization field brings it.
    func matches(_ field: String?) -> Bool {
        let scheme = "bearer "
        guard let field, field.lowercased().hasPrefix(scheme) else { return false }
        let given = Array(field.utf8.dropFirst(scheme.utf8.count).drop { $0 == 0x20 })
        var difference = given.count ^ bytes.count
        // As many steps as the token is long, whatever was given.
        for index in bytes.indices {
            let byte = index < given.count ? given[index] : 0
            difference |= Int(byte ^ bytes[index])
        }
        return difference == 0
    }
}
