// What the next hop is told: a head is written anew from what was understood of it. Runs of fields
// that stay are copied in one piece; host and framing are always written from the parsed values, so
// that the next hop cannot read another meaning into the same bytes.

/// How the next hop is told about the client. One serves all connections of a thread, which set the
/// client's address before they write; not copyable, since a copy would count three references.
package struct Forwarding: ~Copyable, Sendable {
    /// What the client speaks: `http`, or `https` once TLS ends here.
    package let scheme: [UInt8]
    /// The host to name for a request of HTTP/1.0 that names none (RFC 9112 section 3.3): that of
    /// the listener. Empty writes an empty Host, which section 3.2 wants when nothing is known.
    package let defaultHost: [UInt8]
    /// The client's address, its line end, and the whole line of X-Forwarded-Proto.
    fileprivate private(set) var addressAndScheme: [UInt8] = []

    /// For a client of this address as text, without a port: `192.0.2.1`, `2001:db8::1`.
    /// - Precondition: the texts hold no spaces and no control characters.
    package init(
        clientAddress: [UInt8] = [], scheme: [UInt8] = Array("http".utf8),
        defaultHost: [UInt8] = []
    ) {
        self.scheme = scheme
        self.defaultHost = defaultHost
        precondition(
            (clientAddress + scheme + defaultHost).allSatisfy { $0 > 0x20 && $0 != 0x7F },
            "an address, scheme or host has a space or control character")
        setClientAddress { $0.append(clientAddress.span) }
    }

    /// Puts another client's address in place, in the memory of the one before. `appendText` appends
    /// it to what it is given, without spaces and control characters.
    package mutating func setClientAddress(_ appendText: (inout [UInt8]) -> Void) {
        let scheme = scheme
        addressAndScheme.removeAll(keepingCapacity: true)
        appendText(&addressAndScheme)
        addressAndScheme.append("\r\nX-Forwarded-Proto: ")
        addressAndScheme.append(scheme.span)
        addressAndScheme.append("\r\n")
    }
}

extension RequestHead {
    /// Never copied: hop-by-hop (RFC 9110 section 7.6.1), or written anew below.
    private static let notCopied = FieldNames.hopByHop.union(
        FieldNames(.host, .contentLength, .xForwardedFor, .xForwardedProto, .xForwardedHost))

    /// Appends the head to send to the backend: request line in origin-form (or `*`), HTTP/1.1,
    /// Host first, the fields that are not hop-by-hop, X-Forwarded-For with the client appended to
    /// the list that came, X-Forwarded-Proto and -Host in place of the client's, and the framing.
    ///
    /// No Connection field: persistent is HTTP/1.1's default. TE is dropped, `trailers` too: that
    /// only says that optional trailers will not be kept, and needs no answer from the backend.
    /// - Parameters:
    ///   - bytes: those that were parsed; `parse` must have returned `complete`.
    ///   - passingUpgrade: write Connection and Upgrade for what `upgrade` asks for.
    package func write(
        from bytes: Span<UInt8>, forwarding: borrowing Forwarding, passingUpgrade: Bool = false,
        into out: inout [UInt8]
    ) {
        writeRequestLine(from: bytes, into: &out)
        if host.isEmpty {
            out.append(forwarding.defaultHost.span)
        } else {
            out.append(bytes, host)
        }
        out.append("\r\n")

        // An expectation of HTTP/1.0 must not become one of 1.1 (RFC 9110 section 10.1.1).
        var dropped = Self.notCopied
        if minorVersion == 0 { dropped.insert(.expect) }
        if body != .chunked { dropped.insert(.trailer) }
        section.copyFields(from: bytes, length: length, but: dropped, into: &out)

        writeForwarded(from: bytes, forwarding, into: &out)
        if passingUpgrade, let upgrade {
            out.append("Connection: upgrade\r\nUpgrade: ")
            out.append(bytes, upgrade)
            out.append("\r\n")
        }
        body.writeFields(into: &out)
        out.append("\r\n")
    }

    /// RFC 9112 sections 3.2.1 and 3.2.2: the path and query of the target, whatever its form.
    /// Goes as far as the name of the Host field, which comes first (RFC 9110 section 7.2).
    private func writeRequestLine(from bytes: Span<UInt8>, into out: inout [UInt8]) {
        if targetForm == .origin {
            // One space is all that stands between the two.
            out.append(bytes, ByteRange(start: methodRange.start, end: target.end))
            out.append(" HTTP/1.1\r\nHost: ")
            return
        }
        out.append(bytes, methodRange)
        out.append(" ")
        if targetForm == .authority {
            out.append(bytes, target)
        } else if pathAndQuery.isEmpty {
            // Section 3.2.4: OPTIONS for a target without path means the server as a whole.
            out.append(method == .options ? "*" : "/")
        } else {
            if bytes[Int(pathAndQuery.start)] == 0x3F { out.append("/") }
            out.append(bytes, pathAndQuery)
        }
        out.append(" HTTP/1.1\r\nHost: ")
    }

    private func writeForwarded(
        from bytes: Span<UInt8>, _ forwarding: borrowing Forwarding, into out: inout [UInt8]
    ) {
        out.append("X-Forwarded-For: ")
        if section.present.contains(.xForwardedFor) {
            for index in section.fields.indices {
                let field = section.fields[index]
                if field.known == .xForwardedFor, !field.isNominated, !field.value.isEmpty {
                    out.append(bytes, field.value)
                    out.append(", ")
                }
            }
        }
        out.append(forwarding.addressAndScheme.span)
        if !host.isEmpty {
            out.append("X-Forwarded-Host: ")
            out.append(bytes, host)
            out.append("\r\n")
        }
    }
}

/// What the client of a response can take.
package struct ClientCapabilities: Equatable, Sendable {
    /// Of the request: 1 for HTTP/1.1, 0 for HTTP/1.0.
    package var minorVersion: Int
    /// Whether the connection to the client stays open after this response.
    package var keepsAlive: Bool

    /// Usually both from the request: its version, and whether either side wants to close.
    package init(minorVersion: Int, keepsAlive: Bool) {
        self.minorVersion = minorVersion
        self.keepsAlive = keepsAlive
    }
}

extension ResponseHead {
    private static let notCopied = FieldNames.hopByHop.union(FieldNames(.contentLength))

    /// Appends the head to send to the client: status line of HTTP/1.1 (a proxy's own version, RFC
    /// 9110 section 2.5), the fields that are not hop-by-hop, the framing, and a Connection field
    /// where the default of the client's version does not hold. An interim head gets neither; it
    /// must not be sent to a client of HTTP/1.0 at all (section 15.2).
    /// - Parameters:
    ///   - bytes: those that were parsed; `parse` must have returned `complete`.
    ///   - framing: how the body will reach the client: `body`, or `untilClose` for chunks that the
    ///     caller decodes since a client of HTTP/1.0 cannot. The connection is then not kept,
    ///     whatever `client` says.
    package func write(
        from bytes: Span<UInt8>, to client: ClientCapabilities, framing: BodyFraming,
        into out: inout [UInt8]
    ) {
        precondition(
            framing != .chunked || client.minorVersion == 1, "HTTP/1.0 has no chunked bodies")
        out.append("HTTP/1.1 ")
        // Code, space and reason stand together; only the space may be missing.
        let codeStart = HTTPVersion.count + 1
        out.append(bytes, ByteRange(codeStart, max(Int(reason.end), codeStart + 3)))
        out.append(reason.start == UInt32(codeStart + 3) ? " \r\n" : "\r\n")
        var dropped = Self.notCopied
        if framing != .chunked { dropped.insert(.trailer) }
        section.copyFields(from: bytes, length: length, but: dropped, into: &out)
        if status >= 200 {
            if lengthMayBeTold, let declaredLength {
                BodyFraming.length(declaredLength).writeFields(into: &out)
            } else {
                framing.writeFields(into: &out)
            }
            if !client.keepsAlive || framing == .untilClose {
                out.append("Connection: close\r\n")
            } else if client.minorVersion == 0 {
                out.append("Connection: keep-alive\r\n")
            }
        } else if let upgrade {
            out.append("Connection: upgrade\r\nUpgrade: ")
            out.append(bytes, upgrade)
            out.append("\r\n")
        }
        out.append("\r\n")
    }
}

extension BodyFraming {
    /// Appends the one field that says this, or none (RFC 9112 section 6).
    package func writeFields(into out: inout [UInt8]) {
        switch self {
        case .none, .untilClose: break
        case .chunked: out.append("Transfer-Encoding: chunked\r\n")
        case .length(let length):
            out.append("Content-Length: ")
            out.appendDecimal(length)
            out.append("\r\n")
        }
    }
}

extension FieldSection {
    /// Appends every field line that is neither nominated nor in `dropped`, as it was sent. Lines
    /// that stand together are copied together. `length` is that of the head.
    func copyFields(
        from bytes: Span<UInt8>, length: Int, but dropped: FieldNames, into out: inout [UInt8]
    ) {
        var runStart: UInt32?
        for index in fields.indices {
            let field = fields[index]
            if field.isNominated || dropped.contains(field.known) {
                if let start = runStart {
                    out.append(bytes, ByteRange(start: start, end: field.name.start))
                }
                runStart = nil
            } else if runStart == nil {
                runStart = field.name.start
            }
        }
        // Two bytes before the end of the head the empty line begins.
        if let start = runStart { out.append(bytes, ByteRange(Int(start), length - 2)) }
    }
}
