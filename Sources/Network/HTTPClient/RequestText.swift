// A request as bytes. Paths, hosts and fields come from an operator's configuration, so each is
// checked here once more: nothing that is sent can be read as two requests.

internal import Endpoints
internal import HTTP1

extension HTTPClient.Request {
    /// Fields that the client itself writes.
    private static let reserved = ["host", "connection", "content-length", "transfer-encoding"]

    /// The head to send, as text of HTTP/1.1, or why there can be none.
    func encodedHead() throws(HTTPClient.Failure) -> [UInt8] {
        guard let name = Self.name(of: method) else {
            throw .unsendable("the client sends no CONNECT and no method of another name")
        }
        if case .unix(let path) = target, path.utf8.count > Target.unixPathBytesMax {
            throw .unsendable(
                "the socket's path has \(path.utf8.count) bytes, at most "
                    + "\(Target.unixPathBytesMax) are possible")
        }
        guard version == .http1 || body.count <= HTTP2ResponseReader.bodyBytesMax else {
            throw .unsendable(
                "by HTTP/2 a body has at most \(HTTP2ResponseReader.bodyBytesMax) bytes")
        }
        guard path.utf8.first == 0x2F || (path == "*" && method == .options),
            path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x23 })
        else {
            throw .unsendable(
                "the path must begin with / and have no space, # or byte outside ASCII")
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x2C })
        else {
            throw .unsendable(
                "the host must not be empty nor have a space, comma or non-ASCII byte")
        }
        var out: [UInt8] = []
        out.reserveCapacity(256 + body.count)
        out.append(name)
        out.append(contentsOf: " \(path) HTTP/1.1\r\nHost: \(host)\r\n".utf8)
        for field in fields {
            try Self.check(field)
            out.append(contentsOf: "\(field.name): \(field.value)\r\n".utf8)
        }
        // RFC 9110 section 8.6: a POST, PUT or PATCH without content says so.
        if !body.isEmpty || method == .post || method == .put || method == .patch {
            out.append("Content-Length: ")
            out.appendDecimal(UInt64(body.count))
            out.append("\r\n")
        }
        // Without it a connection of HTTP/1.1 is kept (RFC 9112 section 9.3).
        if !keepsConnection { out.append("Connection: close\r\n") }
        out.append("\r\n")
        return out
    }

    /// RFC 9110 sections 5.1 and 5.5.
    private static func check(_ field: (name: String, value: String)) throws(HTTPClient.Failure) {
        let isToken = field.name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
        guard isToken, !field.name.isEmpty else {
            throw .unsendable("a field name must be a token: letters, digits and - are safe")
        }
        guard !reserved.contains(field.name.lowercased()) else {
            throw .unsendable("the client writes the field \(field.name) itself")
        }
        guard field.value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
            throw .unsendable("the value of the field \(field.name) has a control character")
        }
    }

    private static func name(of method: Method) -> StaticString? {
        switch method {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .patch: "PATCH"
        case .connect, .other: nil
        }
    }
}
