// The head that a client gets, rewritten from what was understood of the backend's: hop-by-hop
// fields removed, the framing from its parsed value.

/// What the client of a response can take.
package struct ClientCapabilities: Equatable, Sendable {
    /// Of the request.
    package var version: HTTPVersion
    /// Whether the connection to the client stays open after this response.
    package var keepsAlive: Bool

    /// Usually both from the request: its version, and whether either side wants to close.
    package init(version: HTTPVersion, keepsAlive: Bool) {
        self.version = version
        self.keepsAlive = keepsAlive
    }
}

extension ResponseHead {
    private static let notCopied = FieldNames.hopByHop.union(FieldNames(.contentLength))

    /// The most bytes that `write` appends. Of the head that came nothing is written twice.
    package func writtenBytesMax(edits: FieldEdits? = nil, lines: Int = 0, date: Int = 0) -> Int {
        length + (edits?.addedBytesMax ?? 0) + lines + date + Self.constantBytesMax
            + ContentChange.addedBytesMax
    }

    /// The bytes of names and separators that writing adds, rounded up.
    private static var constantBytesMax: Int { 128 + BodyFraming.fieldsBytesMax }

    /// Appends the head to send to the client: status line of HTTP/1.1 (a proxy's own version, RFC
    /// 9110 section 2.5), the fields that are not hop-by-hop, the framing, and a Connection field
    /// where the default of the client's version does not hold. An interim head gets neither; it
    /// must not be sent to a client of HTTP/1.0 at all (section 15.2).
    /// - Parameters:
    ///   - bytes: those that were parsed; `parse` must have returned `complete`.
    ///   - framing: how the body will reach the client: `body`, or `untilClose` for chunks that the
    ///     caller decodes since a client of HTTP/1.0 cannot. The connection is then not kept,
    ///     whatever `client` says.
    ///   - change: what the coding of the content on its way changes.
    ///   - edits: changes of the fields; nil for none.
    ///   - lines: whole field lines, each with its end, that are added.
    ///   - date: the line that is added when the backend sent no Date (RFC 9110 section 6.6.1);
    ///     empty adds none.
    /// - Precondition: there is room for `writtenBytesMax` of the same.
    package func write(
        from bytes: Span<UInt8>, to client: ClientCapabilities, framing: BodyFraming,
        change: ContentChange = ContentChange(), edits: FieldEdits? = nil,
        lines: Span<UInt8> = Span(), date: Span<UInt8> = Span(), into out: inout OutputSpan<UInt8>
    ) {
        precondition(
            framing != .chunked || client.version == .http11, "HTTP/1.0 has no chunked bodies")
        out.append("HTTP/1.1 ")
        // Code, space and reason stand together; only the space may be missing.
        let codeStart = VersionText.count + 1
        out.append(bytes, ByteRange(codeStart, max(Int(reason.end), codeStart + 3)))
        out.append(reason.start == UInt32(codeStart + 3) ? " \r\n" : "\r\n")
        var dropped = Self.notCopied
        if framing != .chunked { dropped.insert(.trailer) }
        if change.isNone {
            section.copyFields(from: bytes, length: length, but: dropped, edits, into: &out)
        } else {
            copyFields(from: bytes, but: dropped, edits, change, into: &out)
        }
        if let edits {
            out.append(edits.lines.span)
            if let (name, line) = edits.supplement, !section.present.contains(name) {
                out.append(line.span)
            }
        }
        if !lines.isEmpty { out.append(lines) }
        if status >= 200 {
            if lengthMayBeTold, change.coding == nil, let declaredLength {
                BodyFraming.length(declaredLength).writeFields(into: &out)
            } else {
                framing.writeFields(into: &out)
            }
            let closes = !client.keepsAlive || framing == .untilClose
            if status == 426, section.present.contains(.upgrade) {
                writeUpgrade(from: bytes, client, closes: closes, into: &out)
            } else if closes {
                out.append("Connection: close\r\n")
            } else if client.version == .http10 {
                out.append("Connection: keep-alive\r\n")
            }
            if !section.present.contains(.date), edits?.removesDate != true { out.append(date) }
        } else if let upgrade {
            out.append("Connection: upgrade\r\nUpgrade: ")
            out.append(bytes, upgrade)
            out.append("\r\n")
        }
        out.append("\r\n")
    }

    /// A 426 tells which protocols it wants (RFC 9110 section 15.5.22). They are passed on as they
    /// came, since the client's next request may ask for them; with the option that belongs to them
    /// (section 7.8), also where the backend forgot it.
    private func writeUpgrade(
        from bytes: Span<UInt8>, _ client: ClientCapabilities, closes: Bool,
        into out: inout OutputSpan<UInt8>
    ) {
        out.append("Connection: upgrade")
        if closes {
            out.append(", close")
        } else if client.version == .http10 {
            out.append(", keep-alive")
        }
        out.append("\r\n")
        for index in 0..<section.fields.count where section.fields[index].known == .upgrade {
            section.copyLine(section.fields[index], from: bytes, into: &out)
        }
    }
}
