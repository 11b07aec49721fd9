// AdminAccess: who may use the admin port, and for what. Five checks, in this order: is the host
// name one of ours (DNS rebinding), did a proxy pass the request on, is the token right or the
// client's certificate verified, does the request come from another site's page, and are changes
// allowed at all.

internal import Endpoints
internal import HTTP1
internal import HTTPServer
internal import TLS

/// The access rules of the admin port. Any thread.
package struct AdminAccess: Sendable {
    private let host: AdminHost
    private let token: BearerToken?
    private let asksForCertificates: Bool
    /// Whether changes are refused.
    package let isReadOnly: Bool
    private let isBehindProxy: Bool

    /// The rules for a server whose names are `host`. With a `token`, which is not empty, requests
    /// have to carry it, unless their client has shown a certificate; where such are asked for
    /// (`asksForCertificates`) and there is no token, nothing else will do. `isBehindProxy` says
    /// that a proxy in front of the port is intended.
    package init(
        host: AdminHost, token: String? = nil, asksForCertificates: Bool = false,
        isReadOnly: Bool = false, isBehindProxy: Bool = false
    ) {
        self.isBehindProxy = isBehindProxy
        self.host = host
        self.token = token.map(BearerToken.init)
        self.asksForCertificates = asksForCertificates
        self.isReadOnly = isReadOnly
    }

    /// Whether requests have to carry a token.
    var needsToken: Bool { token != nil }

    /// Whether `request` carries the token or comes with a client's certificate, if one of them is
    /// needed.
    func isTrusted(_ request: HTTPServerRequest) -> Bool {
        if request.certificate != nil { return true }
        return token?.matches(request.field("authorization")) ?? !asksForCertificates
    }

    /// - Throws: when the request names a host that is none of ours.
    func checkHost(_ request: HTTPServerRequest) throws(AdminProblem) {
        guard !host.accepts(request.host) else { return }
        throw AdminProblem(
            403,
            "The admin port does not answer to the name \(AdminProblem.shown(request.host)): a web "
                + "page could have had its own name resolve to this machine.",
            expected: "localhost or the address that the port listens on; or add the name to "
                + "admin.hosts")
    }

    /// - Throws: when a proxy has passed the request on. To a port on loopback the clients of a
    ///   proxy look like this machine; and the proxy may be this process, if its own admin port was
    ///   configured as a backend.
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

    /// - Throws: when the request has to carry a token and does not.
    func checkToken(_ request: HTTPServerRequest) throws(AdminProblem) {
        guard !isTrusted(request) else { return }
        guard needsToken else {
            throw AdminProblem(
                401, "The admin port needs a client's certificate.",
                expected: "one that admin.tls.client-certificates lets in")
        }
        throw AdminProblem(
            401, "The admin port needs a token.",
            expected: "the field Authorization: Bearer TOKEN, with the token of admin.token or "
                + "admin.token-file" + (asksForCertificates ? ", or a client's certificate" : ""))
    }

    /// - Throws: when the change comes from a page of another site, or no change is allowed.
    func checkChange(_ request: HTTPServerRequest) throws(AdminProblem) {
        // Browsers send the field with every request, and no page can change it; other clients do
        // not send it.
        let isForeign = request.field("sec-fetch-site").map {
            !["same-origin", "none"].contains($0.lowercased())
        }
        guard isForeign != true else {
            throw AdminProblem(
                403, "The request comes from a page of another site.",
                expected: "no Sec-Fetch-Site, or same-origin: the admin page itself")
        }
        // Browsers name the page's origin in every POST; other clients do not send the field.
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

    /// Whether the value of an Authorization field has the token.
    func matches(_ field: String?) -> Bool {
        let scheme = "bearer "
        guard let field, field.lowercased().hasPrefix(scheme) else { return false }
        let given = Array(field.utf8.dropFirst(scheme.utf8.count).drop { $0 == 0x20 })
        var difference = given.count ^ bytes.count
        // As many steps as the token has bytes, whatever the field has.
        for index in bytes.indices {
            let byte = index < given.count ? given[index] : 0
            difference |= Int(byte ^ bytes[index])
        }
        return difference == 0
    }
}
