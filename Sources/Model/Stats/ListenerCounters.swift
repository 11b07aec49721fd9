// What workers count for a listener. A new counter is a case of `ListenerCounter` with its form:
// totals, JSON, metrics, StatsD and the OpenAPI document follow from it.

/// The counters of a listener.
public enum ListenerCounter: Int, CounterName {
    /// Connections accepted.
    case accepted
    /// Client connections open now.
    case open
    /// Connections closed at once because the listener had its limit of them.
    case refused
    /// accept() failed, most often for lack of descriptors.
    case acceptErrors
    /// Requests answered with an error of the client's: malformed, too large, too slow.
    case badRequests
    /// Requests answered 413: their bodies are larger than they may be.
    case oversizedRequests
    /// Requests answered by Fairlead itself, as it was told to: redirects, fixed responses.
    case answered
    /// Requests, or TLS connections, that no route was for.
    case unrouted
    // Requests refused for who the client is, by what says so.
    /// The listener's `allow` and `deny`.
    case deniedByListener
    /// A route's.
    case deniedByRoute
    /// Nothing that a trusted proxy says is the client's address.
    case deniedUnknown
    // Requests refused since more came than may, by what says so.
    /// A limit of the listener.
    case limitedByListener
    /// A limit of a route.
    case limitedByRoute
    /// Requests whose clients shared a limit with others, since more came than are told apart.
    case crowdedRequests
    /// Requests answered with 503 since the listener or the route is closed on purpose.
    case inMaintenance
    /// Connections of TCP refused for the client's address.
    case deniedArrivals
    /// Connections refused since their address had as many as it may have.
    case crowdingArrivals
    /// Connections refused since a PROXY header was none of a trusted proxy's.
    case untrustedArrivals
    /// Connections refused since what has to come before the client's protocol was malformed.
    case malformedArrivals
    /// Connections refused since that did not come in time.
    case lateArrivals
    /// Handshakes of TLS that showed a certificate, and those that resumed a session.
    case fullHandshakes
    case resumedHandshakes
    // Handshakes that failed, by reason.
    /// HTTP without TLS.
    case plainHTTP
    /// No TLS at all.
    case notTLS
    /// No version of the protocol that both know.
    case noSharedVersion
    /// No cipher suite, group or signature that both know, or no application protocol.
    case noSharedCipher
    /// No certificate for the name, where such clients are refused.
    case unknownName
    /// The client did not go on: it does not trust the certificate, most often.
    case refusedByClient
    /// A client without a certificate, where one is required.
    case noClientCertificate
    /// A client's certificate that has expired, or is not valid yet.
    case expiredClientCertificate
    /// A client's certificate that is revoked.
    case revokedClientCertificate
    /// A client's certificate of which it can't be known whether it is revoked.
    case unknownRevocation
    /// A client's certificate that does not verify for another reason: nobody known has issued it,
    /// most often.
    case untrustedClientCertificate
    /// Anything else that breaks the protocol.
    case malformedTLS
    /// The client took longer than it may.
    case handshakeTimeouts
    /// The client went away within the handshake.
    case brokenOffHandshakes
    // Handshakes that succeeded, by cipher suite; those whose names begin with `tls` are of TLS
    // 1.3, and the others of TLS 1.2.
    case tlsAES128, tlsAES256, tlsChaCha20
    case ecdsaAES128, ecdsaAES256, ecdsaChaCha20
    case rsaAES128, rsaAES256, rsaChaCha20
    // What handshakes that come faster than a worker can compute them have to wait.
    /// Steps of handshakes that waited for their turn.
    case delayedHandshakes
    /// No connection was accepted for a moment, since many handshakes waited.
    case handshakePauses
    /// The connection was cut off after its handshake: the client sent much that was no content,
    /// such as changes of its keys.
    case tlsFloods
    /// Connections on which HTTP/2 was spoken, and requests on them.
    case http2Connections, http2Streams
    // What clients of HTTP/2 did that they may not do, or not so often.
    /// A rule for frames was broken.
    case http2Protocol
    /// A head that HTTP does not allow.
    case http2Malformed
    /// A header block that can't be decoded.
    case http2Compression
    /// A header block with too many fields, bytes or CONTINUATION frames.
    case http2HeadTooLarge
    /// More data than its window, or its length, allowed.
    case http2TooMuchData
    /// More streams at a time than were allowed.
    case http2TooManyStreams
    /// Far more streams that were reset, or made to be, than that ended well.
    case http2Resets
    /// Too many frames that ask for an answer and bring no request.
    case http2ControlFrames
    /// Too many frames, or bytes of them, without content.
    case http2Useless
    /// Connections that were ended for one of these.
    case http2Ended
}

extension ListenerCounter: ShownCounter {
    private static let handshakes = CounterForm.Family(
        metric: "fairlead_tls_handshakes_total", label: "type", group: "handshakes",
        help: "Handshakes of TLS with clients that succeeded: `full` ones showed a certificate, "
            + "`resumed` ones went on with an earlier session.")
    private static let tlsFailures = CounterForm.Family(
        metric: "fairlead_tls_failures_total", label: "reason", group: "tlsFailures",
        help: "Handshakes of TLS with clients that failed, by reason.")

    /// How operators see the counter.
    package var form: CounterForm? {
        switch self {
        case .accepted:
            .counter(
                "fairlead_listener_connections_total", key: "connections",
                "Client connections accepted.")
        case .open:
            .gauge(
                "fairlead_listener_open_connections", key: "openConnections",
                "Client connections open now.")
        case .refused:
            .counter(
                "fairlead_listener_refused_connections_total", key: "refusedConnections",
                "Client connections closed at once because the listener had its limit of them.")
        case .acceptErrors:
            .counter(
                "fairlead_listener_accept_errors_total", key: "acceptErrors",
                "Connections that could not be accepted, most often for lack of descriptors.")
        case .badRequests:
            .counter(
                "fairlead_listener_bad_requests_total", key: "badRequests",
                "Requests refused as malformed, too large or too slow.")
        case .oversizedRequests:
            .counter(
                "fairlead_listener_oversized_requests_total", key: "oversizedRequests",
                "Requests answered 413 since their bodies were larger than `limits.request-body`.")
        case .answered:
            .counter(
                "fairlead_listener_own_answers_total", key: "ownAnswers",
                "Requests answered by Fairlead itself, as it was told to: redirects, fixed "
                    + "responses.")
        case .unrouted:
            .counter(
                "fairlead_listener_unrouted_requests_total", key: "unrouted",
                "Requests that no route was for, answered 404, and TLS connections that no route "
                    + "by name was for.")
        case .deniedByListener: Self.denials.member("listener", key: "listener")
        case .deniedByRoute: Self.denials.member("route", key: "route")
        case .deniedUnknown: Self.denials.member("unknown_client", key: "unknownClient")
        case .limitedByListener: Self.limits.member("listener", key: "listener")
        case .limitedByRoute: Self.limits.member("route", key: "route")
        case .crowdedRequests:
            .counter(
                "fairlead_listener_crowded_requests_total", key: "crowdedRequests",
                "Requests whose clients shared a limit with others, since more came at a time than "
                    + "the limit tells apart.")
        case .inMaintenance:
            .counter(
                "fairlead_listener_maintenance_answers_total", key: "maintenanceAnswers",
                "Requests answered with 503 since the listener or the route is closed by "
                    + "`maintenance`.")
        case .deniedArrivals: Self.failures.member("denied", key: "denied")
        case .crowdingArrivals: Self.failures.member("too_many", key: "tooMany")
        case .untrustedArrivals:
            Self.failures.member("untrusted", key: "untrusted")
        case .malformedArrivals:
            Self.failures.member("malformed", key: "malformed")
        case .lateArrivals: Self.failures.member("late", key: "late")
        case .fullHandshakes: Self.handshakes.member("full", key: "full")
        case .resumedHandshakes: Self.handshakes.member("resumed", key: "resumed")
        case .plainHTTP: Self.tlsFailures.member("plain_http", key: "plainHTTP")
        case .notTLS: Self.tlsFailures.member("not_tls", key: "notTLS")
        case .noSharedVersion: Self.tlsFailures.member("version", key: "version")
        case .noSharedCipher: Self.tlsFailures.member("cipher", key: "cipher")
        case .unknownName: Self.tlsFailures.member("unknown_name", key: "unknownName")
        case .refusedByClient: Self.tlsFailures.member("refused_by_client", key: "refusedByClient")
        case .noClientCertificate:
            Self.tlsFailures.member("no_client_certificate", key: "noClientCertificate")
        case .expiredClientCertificate:
            Self.tlsFailures.member("client_certificate_expired", key: "clientCertificateExpired")
        case .revokedClientCertificate:
            Self.tlsFailures.member("client_certificate_revoked", key: "clientCertificateRevoked")
        case .unknownRevocation:
            Self.tlsFailures.member("revocation_unknown", key: "revocationUnknown")
        case .untrustedClientCertificate:
            Self.tlsFailures.member(
                "client_certificate_untrusted", key: "clientCertificateUntrusted")
        case .malformedTLS: Self.tlsFailures.member("malformed", key: "malformed")
        case .handshakeTimeouts: Self.tlsFailures.member("timeout", key: "timeout")
        case .brokenOffHandshakes: Self.tlsFailures.member("broken_off", key: "brokenOff")
        case .tlsAES128, .tlsAES256, .tlsChaCha20, .ecdsaAES128, .ecdsaAES256, .ecdsaChaCha20,
            .rsaAES128, .rsaAES256, .rsaChaCha20:
            Self.suite(of: self).map { Self.ciphers.member($0, key: $0) }
        case .delayedHandshakes:
            .counter(
                "fairlead_tls_delayed_handshakes_total", key: "delayedHandshakes",
                "Steps of handshakes of TLS that waited for their turn: a worker takes one between "
                    + "two looks at its other connections.")
        case .handshakePauses:
            .counter(
                "fairlead_tls_accept_pauses_total", key: "handshakePauses",
                "Times that a worker accepted no connections for 100 ms, since 1,024 handshakes of "
                    + "TLS waited for their turn.")
        case .tlsFloods:
            .counter(
                "fairlead_tls_floods_total", key: "tlsFloods",
                "Client connections cut off after their handshake of TLS, since the client changed "
                    + "its keys over and over, or sent much else that was no content.")
        case .http2Connections:
            .counter(
                "fairlead_http2_connections_total", key: "http2Connections",
                "Client connections on which HTTP/2 was spoken.")
        case .http2Streams:
            .counter(
                "fairlead_http2_requests_total", key: "http2Requests",
                "Requests that came by HTTP/2.")
        case .http2Ended:
            .counter(
                "fairlead_http2_ended_connections_total", key: "http2EndedConnections",
                "Connections of HTTP/2 that were ended for what their clients did.")
        case .http2Protocol: Self.http2Faults.member("protocol", key: "protocol")
        case .http2Malformed: Self.http2Faults.member("malformed", key: "malformed")
        case .http2Compression: Self.http2Faults.member("compression", key: "compression")
        case .http2HeadTooLarge: Self.http2Faults.member("head_too_large", key: "headTooLarge")
        case .http2TooMuchData: Self.http2Faults.member("too_much_data", key: "tooMuchData")
        case .http2TooManyStreams:
            Self.http2Faults.member("too_many_streams", key: "tooManyStreams")
        case .http2Resets: Self.http2Faults.member("resets", key: "resets")
        case .http2ControlFrames:
            Self.http2Faults.member("control_frames", key: "controlFrames")
        case .http2Useless: Self.http2Faults.member("useless", key: "useless")
        }
    }

    private static let http2Faults = CounterForm.Family(
        metric: "fairlead_http2_faults_total", label: "reason", group: "http2Faults",
        help: "What clients of HTTP/2 did that they may not do, or not so often, by reason.")

    /// The cipher suites that are spoken, by the names that OpenSSL gives them.
    private static let suites: KeyValuePairs<ListenerCounter, String> = [
        .tlsAES128: "TLS_AES_128_GCM_SHA256", .tlsAES256: "TLS_AES_256_GCM_SHA384",
        .tlsChaCha20: "TLS_CHACHA20_POLY1305_SHA256",
        .ecdsaAES128: "ECDHE-ECDSA-AES128-GCM-SHA256",
        .ecdsaAES256: "ECDHE-ECDSA-AES256-GCM-SHA384",
        .ecdsaChaCha20: "ECDHE-ECDSA-CHACHA20-POLY1305",
        .rsaAES128: "ECDHE-RSA-AES128-GCM-SHA256", .rsaAES256: "ECDHE-RSA-AES256-GCM-SHA384",
        .rsaChaCha20: "ECDHE-RSA-CHACHA20-POLY1305",
    ]

    private static func suite(of counter: ListenerCounter) -> String? {
        suites.first { $0.key == counter }?.value
    }

    /// The counter of handshakes that agreed on the cipher suite of that name; nil for none.
    package init?(cipher: String) {
        guard let found = Self.suites.first(where: { $0.value == cipher }) else { return nil }
        self = found.key
    }

    private static let ciphers = CounterForm.Family(
        metric: "fairlead_tls_ciphers_total", label: "cipher", group: "ciphers",
        help: "Handshakes of TLS with clients that succeeded, by cipher suite: TLS_ is of TLS 1.3, "
            + "ECDHE- of TLS 1.2.")
    private static let failures = CounterForm.Family(
        metric: "fairlead_listener_failed_arrivals_total", label: "reason",
        group: "failedArrivals",
        help: "Connections refused for how they began, before any request: by a PROXY header, "
            + "without one, or from an address that may not come or has too many.")
    private static let limits = CounterForm.Family(
        metric: "fairlead_listener_limited_requests_total", label: "reason",
        group: "limitedRequests",
        help: "Requests refused with 429, since more came than a limit (rate) of the listener or "
            + "the route lets through.")
    private static let denials = CounterForm.Family(
        metric: "fairlead_listener_denied_requests_total", label: "reason",
        group: "deniedRequests",
        help: "Requests refused with 403 for who the client is: by allow and deny of the listener "
            + "or the route, or since a trusted proxy does not say who it is.")
}

/// What one worker counts for one listener. The worker's thread writes, any thread reads.
public final class ListenerCounters: Sendable {
    @usableFromInline let counts = CounterSet<ListenerCounter, 64>()

    /// All zero.
    package init() {}

    /// Adds `amount`; negative for a gauge that falls. The one writing thread only.
    @inlinable package func add(_ name: ListenerCounter, _ amount: Int = 1) {
        counts.add(name, amount)
    }

    /// The counter's value now. Any thread.
    package subscript(_ name: ListenerCounter) -> Int { counts[name] }
}

/// A listener's counters over all workers.
package typealias ListenerTotals = CounterTotals<ListenerCounter>
