// Whole responses of Fairlead's own: refusals of the proxy, the admin port, the demo's web servers.

/// Writes a response with a body that is at hand.
package struct ResponseWriter: Sendable {
    /// The status code, 100 to 599.
    package var status: Int
    /// The media type; nil leaves the field out.
    package var contentType: StaticString?
    /// What the client can take, and whether the connection stays open after this response.
    package var client: ClientCapabilities
    /// Answering a HEAD: everything but the body is written.
    package var omitsBody: Bool
    private var extraFields: [UInt8] = []

    /// - Precondition: `status` is 100 to 599.
    package init(
        status: Int, contentType: StaticString? = "text/plain; charset=utf-8",
        to client: ClientCapabilities, omitsBody: Bool = false
    ) {
        precondition((100...599).contains(status), "a status code is 100 to 599")
        self.status = status
        self.contentType = contentType
        self.client = client
        self.omitsBody = omitsBody
    }

    /// Adds a field. Bytes of the value that may not stand in one (RFC 9110 section 5.5) are
    /// written as spaces, so that no value can split the response.
    /// - Precondition: `name` is a token.
    package mutating func addField(_ name: StaticString, _ value: Span<UInt8>) {
        extraFields.append(name)
        extraFields.append(": ")
        for index in value.indices {
            extraFields.append(
                Characters.isFieldText(value[index]) ? value[index] : Characters.space)
        }
        extraFields.append("\r\n")
    }

    /// Adds the lines that `edits` adds; what those remove is not there.
    package mutating func add(_ edits: FieldEdits) {
        extraFields.append(edits.lines.span)
        if let line = edits.supplement?.line { extraFields.append(line.span) }
    }

    /// Adds whole field lines, each with its end, that were read from a head that was parsed.
    package mutating func add(lines: Span<UInt8>) { extraFields.append(lines) }

    /// Adds a field of a fixed value.
    /// - Precondition: `name` is a token, `value` has no control characters.
    package mutating func addField(_ name: StaticString, _ value: StaticString) {
        extraFields.append(name)
        extraFields.append(": ")
        extraFields.append(value)
        extraFields.append("\r\n")
    }

    /// Appends the head of a response whose body is framed so; the caller appends the body.
    package func writeHead(framing: BodyFraming, into out: inout [UInt8]) {
        let reason = Self.reason(of: status)
        let room =
            128 + reason.utf8CodeUnitCount + (contentType?.utf8CodeUnitCount ?? 0)
            + extraFields.count + BodyFraming.fieldsBytesMax
        out.append(addingCapacity: room) { (out: inout OutputSpan<UInt8>) in
            writeHead(framing: framing, reason, into: &out)
        }
    }

    private func writeHead(
        framing: BodyFraming, _ reason: StaticString, into out: inout OutputSpan<UInt8>
    ) {
        out.append("HTTP/1.1 ")
        out.appendDecimal(UInt64(status))
        out.append(" ")
        out.append(reason)
        out.append("\r\n")
        if let contentType {
            out.append("Content-Type: ")
            out.append(contentType)
            out.append("\r\n")
        }
        out.append(extraFields.span)
        // RFC 9110 section 8.6: no Content-Length in 1xx and 204.
        if status >= 200, status != 204 { framing.writeFields(into: &out) }
        if !client.keepsAlive || framing == .untilClose {
            out.append("Connection: close\r\n")
        } else if client.version == .http10 {
            out.append("Connection: keep-alive\r\n")
        }
        out.append("\r\n")
    }

    /// How a body of `count` bytes is framed; statuses that cannot have one (1xx, 204, 304) get
    /// none.
    package func framing(ofBytes count: Int) -> BodyFraming {
        let hasNoBody = status < 200 || status == 204 || status == 304
        return hasNoBody ? .none : .length(UInt64(count))
    }

    /// Appends the response with `body`, if its status can have one.
    package func write(body: Span<UInt8>, into out: inout [UInt8]) {
        let framing = framing(ofBytes: body.count)
        writeHead(framing: framing, into: &out)
        if !omitsBody, framing != .none { out.append(body) }
    }

    /// Appends the response with a fixed body.
    package func write(body: StaticString, into out: inout [UInt8]) {
        let framing = framing(ofBytes: body.utf8CodeUnitCount)
        writeHead(framing: framing, into: &out)
        if !omitsBody, framing != .none { out.append(body) }
    }

    /// The reason phrase of RFC 9110 section 15, or of the registry; empty for a code without one.
    package static func reason(of status: Int) -> StaticString {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }
}
