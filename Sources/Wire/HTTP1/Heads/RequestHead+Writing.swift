// The head that a backend gets, rewritten from what was understood of the client's: runs of
// fields that stay are copied in one piece; host and framing are always written from the parsed
// values, so that the next hop cannot read another meaning into the same bytes.

/// 128 random bits that name one request, as 32 hexadecimal digits in X-Request-Id.
package struct RequestID: Equatable, Sendable {
    /// The upper and the lower half.
    package let high: UInt64, low: UInt64

    /// Both halves should come from a random generator.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The digits.
    package var hexadecimal: [UInt8] {
        [UInt8](capacity: 32) { out in
            out.appendHex(high)
            out.appendHex(low)
        }
    }
}

extension RequestHead {
    /// The most bytes that `write` appends.
    package func writtenBytesMax(
        forwarding: borrowing Forwarding, rewrite: PathRewrite? = nil, edits: FieldEdits? = nil,
        certificateLines: [UInt8] = []
    ) -> Int {
        // Of the head that came nothing is written twice but the host.
        let hostBytesMax = max(
            Int(host.end - host.start), edits?.host?.count ?? 0, forwarding.defaultHost.count)
        return length + 3 * hostBytesMax + (rewrite?.prefix.count ?? 0) + (edits?.lines.count ?? 0)
            + forwarding.linesBytesMax + certificateLines.count + Self.constantBytesMax
    }

    /// The bytes of names, separators and numbers that writing adds, rounded up: each literal of
    /// this file once, 32 digits of a request's ID, 20 of a number, the line of a trace.
    private static var constantBytesMax: Int { 512 + TraceContext.lineBytes }

    /// Appends the head to send to the backend: request line in origin-form (or `*`), HTTP/1.1,
    /// Host first, the fields that are not hop-by-hop, those that `forwarding` adds, and the
    /// framing.
    ///
    /// No Connection field: persistent is HTTP/1.1's default. TE is dropped, `trailers` too: that
    /// only says that optional trailers will not be kept, and needs no answer from the backend.
    /// - Parameters:
    ///   - bytes: those that were parsed; `parse` must have returned `complete`.
    ///   - requestID: what X-Request-Id says, for a policy that has one.
    ///   - maxForwards: what Max-Forwards says in the place of what the client said (RFC 9110
    ///     section 7.6.2); nil passes on what came, if it did.
    ///   - rewrite: how the path is changed; nil leaves it. Its prefix is one that the path has.
    ///   - certificateLines: field lines that say who the client is by its certificate, in the
    ///     place of all that it says itself; empty for a client without one.
    ///   - edits: changes of the fields; nil for none.
    ///   - trace: what the backend is told of the trace in the place of what the client said; nil
    ///     passes on what came. Its line is the last one; `edits` may remove it.
    ///   - passingUpgrade: write Connection and Upgrade for what `upgradeOffer` has.
    /// - Precondition: there is room for `writtenBytesMax` of the same.
    package func write(
        from bytes: Span<UInt8>, forwarding: borrowing Forwarding, requestID: RequestID? = nil,
        maxForwards: UInt64? = nil, certificateLines: [UInt8] = [], rewrite: PathRewrite? = nil,
        edits: FieldEdits? = nil, trace: OutgoingTrace? = nil, passingUpgrade: Bool = false,
        into out: inout OutputSpan<UInt8>
    ) {
        // `*` is no path, and an authority neither.
        if let rewrite, targetForm == .origin || targetForm == .absolute {
            writeRequestLine(from: bytes, rewrite, into: &out)
        } else {
            writeRequestLine(from: bytes, into: &out)
        }
        if let host = edits?.host {
            out.append(host.span)
        } else if host.isEmpty {
            out.append(forwarding.defaultHost.span)
        } else {
            out.append(bytes, host)
        }
        out.append("\r\n")

        var dropped = forwarding.dropped
        // An expectation of HTTP/1.0 must not become one of 1.1 (RFC 9110 section 10.1.1).
        if version == .http10 { dropped.insert(.expect) }
        if body != .chunked { dropped.insert(.trailer) }
        if maxForwards != nil { dropped.insert(.maxForwards) }
        if !certificateLines.isEmpty { dropped.insert(.clientCert) }
        if let trace {
            dropped.insert(.traceparent)
            if !trace.keepsState { dropped.insert(.tracestate) }
        }
        section.copyFields(
            from: bytes, length: length, but: dropped, edits,
            droppedTwins: forwarding.droppedTwins, into: &out)
        if let edits { out.append(edits.lines.span) }

        out.append(certificateLines.span)
        writeForwarded(from: bytes, forwarding, requestID, into: &out)
        if let maxForwards {
            out.append("Max-Forwards: ")
            out.appendDecimal(maxForwards)
            out.append("\r\n")
        }
        if passingUpgrade, asksForUpgrade { writeUpgrade(upgradeOffer(bytes), into: &out) }
        body.writeFields(into: &out)
        if let trace, edits?.removesTraceparent != true { trace.context.write(into: &out) }
        out.append("\r\n")
    }

    private func writeUpgrade(_ offer: [UInt8], into out: inout OutputSpan<UInt8>) {
        guard !offer.isEmpty else { return }
        out.append("Connection: upgrade\r\nUpgrade: ")
        out.append(offer.span)
        out.append("\r\n")
    }

    /// RFC 9112 sections 3.2.1 and 3.2.2: the path and query of the target, whatever its form.
    /// Goes as far as the name of the Host field, which comes first (RFC 9110 section 7.2).
    private func writeRequestLine(from bytes: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
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

    /// Writes the request line with a path that is changed.
    private func writeRequestLine(
        from bytes: Span<UInt8>, _ rewrite: PathRewrite, into out: inout OutputSpan<UInt8>
    ) {
        out.append(bytes, methodRange)
        out.append(" ")
        out.append(rewrite.prefix.span)
        let rest = pathAndQuery.bounds.dropFirst(rewrite.dropping)
        // What is left begins with a slash or is the query; a path has one slash at least.
        if rewrite.prefix.isEmpty, rest.isEmpty || bytes[rest.lowerBound] != 0x2F {
            out.append("/")
        }
        out.append(bytes.extracting(rest))
        out.append(" HTTP/1.1\r\nHost: ")
    }

    private func writeForwarded(
        from bytes: Span<UInt8>, _ forwarding: borrowing Forwarding, _ requestID: RequestID?,
        into out: inout OutputSpan<UInt8>
    ) {
        let policy = forwarding.policy
        if policy.xForwarded != .off { writeXForwarded(from: bytes, forwarding, into: &out) }
        if policy.forwarded != .off {
            out.append(forwarding.forwardedFor.span)
            if !host.isEmpty {
                // Quoted, since a port's colon is no token character (RFC 7239 section 4); a host
                // has neither quotes nor backslashes (HostSyntax).
                out.append(";host=\"")
                out.append(bytes, host)
                out.append("\"")
            }
            out.append(forwarding.protoParameter.span)
            out.append("\r\n")
        }
        // The version is that of the request as it was received (RFC 9110 section 7.6.3).
        switch version {
        case .http11: out.append(forwarding.viaLine.span)
        case .http10: out.append(forwarding.viaLineOfHTTP10.span)
        case .http2: out.append(forwarding.viaLineOfHTTP2.span)
        }
        if let requestID, policy.addsRequestID,
            !(forwarding.isTrusted && section.present.contains(.xRequestID))
        {
            out.append("X-Request-Id: ")
            out.appendHex(requestID.high)
            out.appendHex(requestID.low)
            out.append("\r\n")
        }
    }

    func writeXForwarded(
        from bytes: Span<UInt8>, _ forwarding: borrowing Forwarding,
        into out: inout OutputSpan<UInt8>
    ) {
        out.append("X-Forwarded-For: ")
        let present = section.present
        guard forwarding.isTrusted, forwarding.policy.xForwarded == .append else {
            out.append(forwarding.addressAndLines.span)
            writeForwardedHost(from: bytes, into: &out)
            return
        }
        for index in 0..<section.fields.count {
            let field = section.fields[index]
            if field.known == .xForwardedFor, !field.isNominated, !field.value.isEmpty {
                out.append(bytes, field.value)
                out.append(", ")
            }
        }
        out.append(forwarding.address.span)
        out.append("\r\n")
        // What the client of the first proxy asked for; each is kept if it came.
        if !present.contains(.xForwardedProto) { out.append(forwarding.schemeLine.span) }
        if !present.contains(.xForwardedPort) { out.append(forwarding.portLine.span) }
        if !present.contains(.xForwardedHost) { writeForwardedHost(from: bytes, into: &out) }
    }

    private func writeForwardedHost(from bytes: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
        guard !host.isEmpty else { return }
        out.append("X-Forwarded-Host: ")
        out.append(bytes, host)
        out.append("\r\n")
    }
}
