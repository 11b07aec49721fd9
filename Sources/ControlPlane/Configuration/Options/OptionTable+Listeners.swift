// The options that say how a listener's clients are treated.

internal import Access
internal import Endpoints
internal import HTTP1
internal import Routing
internal import Traffic

extension OptionTable {
    static let listener: [Option<Listener>] =
        Option.group("timeouts", \.policy.timeouts, clientTimeouts)
        + Option.group("limits", \.policy, limits)
        + Option.group("", \.policy.access, access) + Option.group("", \.policy.rates, rate)
        + Option.group("auth", \.auth, auth)
        + Option.group("", \.policy, listenerPages)
        + Option.group("maintenance", \.policy.maintenance, maintenance)
        + Option.group("tls", \.tls, tls)
        + Option.group("tls.client-certificates", \.policy, certificateFields)
        + Option.group("hsts", \.policy.strictTransport, strictTransport)
        + Option.group("forwarding", \.policy, forwarding)
        + Option.group("proxy-protocol", \.policy.proxyProtocol, proxyProtocol)
        + Option.group("compress", \.policy, compression)
        + [
            Option(
                "http2", \.policy.speaksHTTP2, .onOff,
                "Whether clients may speak HTTP/2, by TLS and in the clear."),
            Option(
                "upgrade", \.policy.allowsUpgrade, .onOff,
                "Whether a client may switch to another protocol, such as WebSocket."),
            Option(
                "half-close", \.policy.cancelsAtHalfClose,
                .words([("cancel", true), ("answer", false)]),
                "Whether a client that closes its sending side before an answer begins is gone, so "
                    + "that its request is cancelled, or answered."),
            Option(
                "connect", \.policy.allowsConnect, .onOff,
                "Whether backends get CONNECT, and may answer it with a tunnel."),
        ]

    private static let forwarding: [Option<ClientPolicy>] = [
        Option(
            "x-forwarded", \.forwarding.xForwarded, .word,
            "X-Forwarded-For, -Proto, -Host and -Port: `append` keeps what a trusted proxy sent."),
        Option(
            "forwarded", \.forwarding.forwarded, .word, "Forwarded (RFC 7239), by the same rules."),
        Option(
            "via", \.forwarding.via, .optional(.name, "off"),
            "The name in the Via field of requests."),
        Option(
            "request-id", \.forwarding.addsRequestID, .onOff,
            "Whether requests get an X-Request-Id; a trusted proxy's is kept."),
        Option(
            "client-cert", \.forwarding.clientCertificate, .word,
            "`Client-Cert` and all names that go on behind it: `append` and `replace` remove what "
                + "a client sent, `append` not a trusted proxy's; `off` passes everybody's on."),
        Option(
            "trusted-proxies", \.trustedProxies, .list(of: .network, countMax: 64),
            "Clients whose own account of where a request came from is believed."),
    ]

    private static let proxyProtocol: [Option<ProxyProtocolPolicy>] = [
        Option(
            "from", \.from, .list(of: .network, countMax: 64),
            "The proxies whose connections begin with a PROXY header, of version 1 or 2; without "
                + "any, none is looked for."),
        Option(
            "required", \.isRequired, .onOff,
            "Whether other clients are refused, or served as they come; a header of theirs is "
                + "refused in either case."),
    ]

    private static let clientTimeouts: [Option<ClientTimeouts>] = [
        Option(
            "handshake", \.handshake, timeout,
            "For what comes before a client's own protocol: a PROXY header, or the handshake of "
                + "TLS, for each."),
        Option("client-head", \.head, timeout, "For a client to send a request head."),
        Option("client-idle", \.idle, timeout, "Between a client's requests."),
        Option("body-idle", \.stall, timeout, "Without one byte of a body, either way."),
        Option(
            "tunnel-idle", \.tunnel, timeout,
            "Without one byte, either way, on a TCP connection."),
        Option(
            "tunnel-max", \.tunnelMax, .optional(timeout, "off"),
            "For a whole TCP connection; each gets up to a tenth less, at random."),
        Option(
            "response-max", \.responseMax, .optional(timeout, "off"),
            "For a whole response, such as events; each gets up to a tenth less, at random."),
        Option(
            "vanished", \.vanished,
            .optional(.duration(.seconds(1) ... .seconds(86400)), "off"),
            "For a host to acknowledge nothing until its connection is broken."),
        Option(
            "request", \.request, .optional(timeout, "off"),
            "For a whole request: from its head to the last byte of the response."),
    ]

    /// How long something may take.
    static let timeout = ValueKind<Duration>.duration(.milliseconds(10) ... .seconds(86400))

    private static let limits: [Option<ClientPolicy>] = [
        Option(
            "head-bytes", \.headLimits.bytesMax, .size(1 << 10...64 << 10),
            "Size of a request's head; an answer's may be four times that, and 64 KiB."),
        Option(
            "head-fields", \.headLimits.fieldsMax, .count(1...10_000),
            "Field lines in a request's head; an answer's may have four times as many, and 1,000."),
        Option(
            "request-line", \.headLimits.requestLineBytesMax, .size(256...64 << 10),
            "Size of a request line."),
        Option(
            "request-body", \.bodyLimits.request, .bodySize,
            "Size of a request's body; larger ones get 413."),
        Option(
            "response-body", \.bodyLimits.response, .bodySize,
            "Size of a response's body; larger ones get 502, or are cut."),
        Option(
            "connections", \.connectionsMax, .count(1...1_000_000),
            "Client connections open at once, over all workers."),
        Option(
            "connections-per-address", \.connectionsPerAddress,
            .optional(.count(1...65_535), "off"),
            "Those of one client address, of IPv6 one /64; further ones are reset. Trusted proxies "
                + "are not counted."),
        Option(
            "connections-exempt", \.connectionsExempt,
            .list(of: .network, countMax: 1000),
            "Networks whose clients are not counted for that."),
    ]
}
