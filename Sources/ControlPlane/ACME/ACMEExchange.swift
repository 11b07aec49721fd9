// What is asked of a certificate authority, and what it answers: as values, for a connection of
// any kind to carry.

/// A request to a certificate authority. Value type, any thread.
package struct ACMERequest: Equatable, Sendable {
    /// How it is asked.
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
    }

    /// GET and HEAD have no body.
    package var method: Method
    /// An absolute URL, `https://…`.
    package var url: String
    /// A JWS in JSON (`application/jose+json`); empty unless it is a POST.
    package var body: [UInt8] = []
}

/// What a certificate authority has answered. Value type, any thread.
package struct ACMEAnswer: Equatable, Sendable {
    /// The status code.
    package var status: Int
    /// The field Replay-Nonce.
    package var nonce: String?
    /// The field Location.
    package var location: String?
    /// The field Retry-After, from the moment of the answer; nil without one.
    package var retryAfter: Duration?
    /// The content.
    package var body: [UInt8]

    /// An answer with these parts.
    package init(
        status: Int, nonce: String? = nil, location: String? = nil, retryAfter: Duration? = nil,
        body: [UInt8] = []
    ) {
        self.status = status
        self.nonce = nonce
        self.location = location
        self.retryAfter = retryAfter
        self.body = body
    }
}

/// Where a certificate authority has what (RFC 8555, section 7.1.1). Value type, any thread.
package struct ACMEDirectory: Equatable, Sendable {
    let newNonce: String
    let newAccount: String
    let newOrder: String
    /// Where it says when certificates are to be renewed (RFC 9773); nil where it does not.
    package let renewalInfo: String?
    let termsOfService: String?
    let needsExternalAccount: Bool

    private struct Document: Decodable {
        struct Meta: Decodable {
            let termsOfService: String?
            let externalAccountRequired: Bool?
        }
        let newNonce: String
        let newAccount: String
        let newOrder: String
        let renewalInfo: String?
        let meta: Meta?
    }

    /// Reads the document that its URL has.
    init(_ body: [UInt8]) throws(ACMEProblem) {
        let document = try ACMEDocument.read(Document.self, body, "the directory")
        newNonce = document.newNonce
        newAccount = document.newAccount
        newOrder = document.newOrder
        renewalInfo = document.renewalInfo
        termsOfService = document.meta?.termsOfService
        needsExternalAccount = document.meta?.externalAccountRequired ?? false
    }
}
