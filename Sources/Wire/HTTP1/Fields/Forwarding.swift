// What the next hop is told about the client and about this hop: X-Forwarded-For and its kin,
// Forwarded (RFC 7239), Via (RFC 9110 section 7.6.3) and X-Request-Id.
//
// Servers act on these fields: logs, limits, access rules. So a client's own are believed only when
// the client is a proxy that the operator named; anyone else's are replaced. What does not change
// from request to request is rendered once and appended in one piece.

/// What to do with the fields that describe the client.
package struct ForwardingPolicy: Equatable, Sendable {
    /// What becomes of a list that names the hops before this one.
    package enum Handling: String, CaseIterable, Sendable {
        /// A trusted client's list is kept and the client added to it; another's is replaced.
        case append
        /// The list begins here, even behind a trusted proxy.
        case replace
        /// Nothing is written, and what the client sent passes through as it came.
        case off
    }

    /// X-Forwarded-For, -Proto, -Host and -Port.
    package var xForwarded = Handling.append
    /// Forwarded (RFC 7239). Off, since what reads X-Forwarded-For rarely reads this.
    package var forwarded = Handling.off
    /// The name of this hop in Via, a token (RFC 9110 section 7.6.3, which asks every gateway for
    /// it); nil writes no Via.
    package var via: String? = "fairlead"
    /// Whether requests get an X-Request-Id; a trusted client's is kept.
    package var addsRequestID = false
    /// Client-Cert and the fields whose names go on behind it (RFC 9440). What is written of a
    /// client's certificate replaces all of them whatever this says.
    package var clientCertificate = Handling.append

    /// The defaults.
    package init() {}
}

/// How the next hop is told about the client. One serves all connections of a listener on a thread,
/// which set the client before they write; not copyable, since a copy would count its references.
package struct Forwarding: ~Copyable, Sendable {
    /// What is written, and what is believed.
    package let policy: ForwardingPolicy
    /// The host to name for a request of HTTP/1.0 that names none (RFC 9112 section 3.3): that of
    /// the listener. Empty writes an empty Host, which section 3.2 wants when nothing is known.
    package let defaultHost: [UInt8]
    /// Whether the client's own account of where a request came from is kept.
    private(set) var isTrusted = false
    /// Fields of the client's that are not copied.
    private(set) var dropped = FieldNames.notCopied
    /// Names that a client's field may not have a name like, but for `_` in the place of `-`: those
    /// that this hop writes or goes by, for every client. Servers that can't tell the two apart
    /// would take the client's word for the proxy's.
    let droppedTwins: FieldNames

    /// The line ends, and the lines of X-Forwarded-Proto and -Port.
    let schemeLine: [UInt8]
    let portLine: [UInt8]
    /// `Via: 1.1 name`, and its likes for requests of other versions; empty for none.
    let viaLine: [UInt8]
    let viaLineOfHTTP10: [UInt8]
    let viaLineOfHTTP2: [UInt8]
    /// `;proto=http`, for Forwarded.
    let protoParameter: [UInt8]
    /// The client's address as X-Forwarded-For has it.
    private(set) var address: [UInt8] = []
    /// The address, its line end, and every line that an untrusted client's request gets after it.
    private(set) var addressAndLines: [UInt8] = []
    /// `Forwarded: for=…` without line end; empty when that is off.
    private(set) var forwardedFor: [UInt8] = []
    /// The bytes of all of these together: no request gets more of them.
    private(set) var linesBytesMax = 0

    /// For clients that connect with `scheme` (`http`, or `https` once TLS ends here) on `port`.
    /// - Precondition: the texts hold no spaces and no control characters.
    package init(
        policy: ForwardingPolicy = ForwardingPolicy(), scheme: StaticString = "http",
        port: UInt16, defaultHost: [UInt8] = []
    ) {
        func line(_ name: StaticString, _ write: (inout [UInt8]) -> Void) -> [UInt8] {
            var out: [UInt8] = []
            out.append(name)
            write(&out)
            out.append("\r\n")
            return out
        }
        let via = Array((policy.via ?? "").utf8)
        precondition(
            (via + defaultHost).allSatisfy { $0 > 0x20 && $0 != 0x7F },
            "a host or the name in Via has a space or control character")
        self.policy = policy
        self.defaultHost = defaultHost
        var twins = FieldNames.notCopied.union(FieldNames(.maxForwards))
        if policy.xForwarded != .off { twins = twins.union(.xForwarded) }
        if policy.addsRequestID { twins.insert(.xRequestID) }
        if policy.clientCertificate != .off { twins.insert(.clientCert) }
        droppedTwins = twins
        schemeLine = line("X-Forwarded-Proto: ") { $0.append(scheme) }
        portLine = line("X-Forwarded-Port: ") { $0.appendDecimal(UInt64(port)) }
        viaLine = via.isEmpty ? [] : line("Via: 1.1 ") { $0.append(via.span) }
        viaLineOfHTTP10 = via.isEmpty ? [] : line("Via: 1.0 ") { $0.append(via.span) }
        viaLineOfHTTP2 = via.isEmpty ? [] : line("Via: 2.0 ") { $0.append(via.span) }
        var proto: [UInt8] = []
        proto.append(";proto=")
        proto.append(scheme)
        protoParameter = proto
        setClient(isTrusted: false) { $0.append("unknown") }
    }

    /// Puts another client in place, in the memory of the one before. `appendAddress` appends its
    /// address as text, without brackets and port: `192.0.2.1`, `2001:db8::1`.
    package mutating func setClient(isTrusted: Bool, _ appendAddress: (inout [UInt8]) -> Void) {
        self.isTrusted = isTrusted
        address.removeAll(keepingCapacity: true)
        appendAddress(&address)
        addressAndLines.removeAll(keepingCapacity: true)
        addressAndLines.append(contentsOf: address)
        addressAndLines.append("\r\n")
        addressAndLines.append(contentsOf: schemeLine)
        addressAndLines.append(contentsOf: portLine)

        forwardedFor.removeAll(keepingCapacity: true)
        if policy.forwarded != .off {
            // RFC 7239 section 6: an IPv6 address stands in brackets and so in quotes.
            let isIPv6 = address.contains(Characters.colon)
            forwardedFor.append(isIPv6 ? "Forwarded: for=\"[" : "Forwarded: for=")
            forwardedFor.append(contentsOf: address)
            if isIPv6 { forwardedFor.append("]\"") }
        }

        linesBytesMax =
            schemeLine.count + portLine.count + viaLine.count
            + protoParameter.count + address.count + addressAndLines.count + forwardedFor.count

        dropped = .notCopied
        switch policy.xForwarded {
        case .off: break
        case .append where isTrusted: dropped.insert(.xForwardedFor)  // merged into one line
        case .append, .replace:
            dropped = dropped.union(.xForwarded)
        }
        // A trusted client's elements stay, each on its line: lines of a list are one list
        // (RFC 9110 section 5.3).
        let replacesForwarded = policy.forwarded == .replace || !isTrusted
        if policy.forwarded != .off, replacesForwarded { dropped.insert(.forwarded) }
        if policy.addsRequestID, !isTrusted { dropped.insert(.xRequestID) }
        // Anybody else could call itself anybody.
        switch policy.clientCertificate {
        case .off: break
        case .append where isTrusted: break
        case .append, .replace: dropped.insert(.clientCert)
        }
    }
}

extension FieldNames {
    /// Never copied: hop-by-hop (RFC 9110 section 7.6.1), or rewritten from the parsed value.
    static let notCopied = FieldNames.hopByHop.union(FieldNames(.host, .contentLength))
    static let xForwarded = FieldNames(
        .xForwardedFor, .xForwardedProto, .xForwardedHost, .xForwardedPort)
}
