// What a handler gets and gives: plain values that outlive the connection, and the reply, which is
// the right to answer once.

package import Endpoints
package import HTTP1
package import TLS

/// A request with its whole body. Any thread.
package struct HTTPServerRequest: Sendable {
    /// The method; `other` for names that HTTP1 does not know.
    package let method: Method
    /// The target's path as it was sent, percent-encoding included: `/` at least; `*` for the
    /// server as a whole; empty for CONNECT.
    package let path: String
    /// What follows the first `?`; nil when there is none.
    package let query: String?
    /// Host and optional port that the request is for, in the letter case that was sent; empty
    /// only for an HTTP/1.0 request that names none.
    package let host: String
    /// The client's address.
    package let peer: Endpoint
    /// The identity in the client's certificate, which is verified; nil when it showed none.
    package let certificate: ClientIdentity?
    /// The body, without its framing.
    package internal(set) var body: [UInt8] = []

    let client: ClientCapabilities
    private let head: [UInt8]
    private let fields: [Field]

    /// - Precondition: `parsed` was parsed from the bytes that begin with `head`.
    init(
        _ parsed: borrowing RequestHead, head: [UInt8], from peer: Endpoint,
        certificate: ClientIdentity?, keepsAlive: Bool
    ) {
        func text(_ range: ByteRange) -> String {
            String(decoding: head[range.bounds], as: UTF8.self)
        }
        method = parsed.method
        host = text(parsed.host)
        self.peer = peer
        self.certificate = certificate
        client = ClientCapabilities(
            version: parsed.version, keepsAlive: parsed.keepsAlive && keepsAlive)
        self.head = head
        fields = parsed.fields
        let parts = text(parsed.pathAndQuery).split(
            separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts.first.map(String.init) ?? ""
        // An absolute target without a path means the root (RFC 9112 section 3.2.1).
        self.path = path.isEmpty && parsed.targetForm == .absolute ? "/" : path
        query = parts.count > 1 ? String(parts[1]) : nil
    }

    /// How many fields are called `name`, which is in lower case.
    package func count(of name: StaticString) -> Int {
        let bytes = head.span
        return fields.count { bytes.extracting($0.name.bounds).isEqualIgnoringCase(to: name) }
    }

    /// Whether any field's name, in lower case, is one that is looked for.
    package func hasField(where isWanted: (String) -> Bool) -> Bool {
        fields.contains { field in
            isWanted(String(decoding: head[field.name.bounds], as: UTF8.self).lowercased())
        }
    }

    /// The value of the first field called `name`, which is in lower case; nil if there is none.
    package func field(_ name: StaticString) -> String? {
        let bytes = head.span
        for field in fields
        where bytes.extracting(field.name.bounds).isEqualIgnoringCase(to: name) {
            return String(decoding: head[field.value.bounds], as: UTF8.self)
        }
        return nil
    }
}

/// A response with its whole body. Any thread.
package struct HTTPServerResponse: Sendable {
    /// The status code, 200 to 599.
    package var status: Int
    /// The media type; nil for none.
    package var contentType: StaticString?
    /// The body; not sent in answer to a HEAD, nor with 204 and 304.
    package var body: [UInt8]
    /// Further fields; control characters in values become spaces.
    package var fields: [(name: StaticString, value: String)]
    /// Whether the connection is closed afterwards, whatever the client wants.
    package var closesConnection = false

    /// Only the status is required: by default an empty text without further fields.
    package init(
        status: Int, contentType: StaticString? = "text/plain; charset=utf-8", body: [UInt8] = [],
        fields: [(name: StaticString, value: String)] = []
    ) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.fields = fields
    }

    /// A response of one line of text, to which a line end is added.
    package init(
        status: Int, text: String, fields: [(name: StaticString, value: String)] = []
    ) {
        self.init(status: status, body: Array("\(text)\n".utf8), fields: fields)
    }
}

/// The right to answer one request. Loop thread only.
///
/// A reply that is released unused answers 500, so that no client waits forever.
package final class HTTPServerReply {
    private weak var connection: HTTPServerConnection?
    private var isUsed = false

    init(_ connection: HTTPServerConnection) {
        self.connection = connection
    }

    /// Called once when the client goes away before it is answered, for handlers that keep a client
    /// waiting for long; nil for no call. Meanwhile the client may send 16 KiB at most.
    package var onClose: (() -> Void)? {
        didSet { if onClose != nil, !isUsed { connection?.watch(for: self) } }
    }

    /// Whether an answer would reach anybody, as far as is known.
    package var isAwaited: Bool { !isUsed && connection != nil }

    /// The connection is closed.
    func lose() {
        let action = onClose
        onClose = nil
        isUsed = true
        action?()
    }

    /// Answers with a body that goes on; `response.body` is its first piece. Nil when there is
    /// nothing to send to: the client went away, was answered before, or asked for the head alone.
    package func stream(_ response: HTTPServerResponse) -> HTTPServerStream? {
        guard !isUsed else { return nil }
        isUsed = true
        return connection?.beginStream(response)
    }

    /// Answers. A second answer is dropped, and so is one to a client that went away.
    package func send(_ response: HTTPServerResponse) {
        guard !isUsed else { return }
        isUsed = true
        connection?.respond(response)
    }

    deinit {
        guard !isUsed else { return }
        connection?.respond(HTTPServerResponse(status: 500, text: "The request was not answered."))
    }
}
