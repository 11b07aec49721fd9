// What workers count for a service. A new counter is a case of `ServiceCounter` with its form:
// totals, JSON, metrics, StatsD and the OpenAPI document follow from it.

internal import Synchronization

/// The counters of a service, in the order in which `/metrics` has them.
public enum ServiceCounter: Int, CounterName {
    /// HTTP requests taken on, or TCP connections.
    case requests
    /// Requests that ended and failed, each once: answered with a status of 500 or above by a
    /// backend, not answered by one, or cut short. Neither what the client broke off or sent wrong,
    /// nor a stream that lasted as long as it may. For TCP, connections that got no backend, were
    /// broken by it, or in which it never said a byte until their time was over.
    case failed
    /// Requests under way now; for TCP, connections.
    case inFlight
    /// Responses that clients got with a status of 200 to 299, Fairlead's own among them.
    case responses2xx
    /// Responses that clients got with a status of 300 to 399, Fairlead's own among them.
    case responses3xx
    /// Responses that clients got with a status of 400 to 499, Fairlead's own among them.
    case responses4xx
    /// Responses that clients got with a status of 500 and above, Fairlead's own among them.
    case responses5xx
    /// Answered 503 by Fairlead: no backend was in the rotation, or none could be connected to. For
    /// TCP, connections that were reset for that.
    case noBackend
    /// Answered 502 by Fairlead: the backend broke the connection or did not speak HTTP.
    case backendErrors
    /// Answered 504 by Fairlead: not answered in time. For TCP, connections that were reset
    /// because no byte moved.
    case timeouts
    /// Responses cut short after they had begun; for TCP, connections that the backend broke.
    case cutShort
    /// Responses refused or cut since they were larger than they may be, which `backendErrors` and
    /// `cutShort` have as well.
    case oversizedResponses
    /// The client went away before its response was complete.
    case clientAborts
    /// TCP connections and tunnels that were reset because they had lasted as long as they may.
    case expired
    /// Answered 503 by Fairlead: as many requests as may be were in flight and waiting. For TCP,
    /// connections that were reset for that.
    case overLimit
    /// Answered 503 by Fairlead: this machine had no descriptor, local port or memory left for a
    /// connection to a backend. For TCP, connections that were reset for that.
    case shortages
    /// Connections that switched to another protocol, such as WebSocket.
    case upgrades
    /// Requests sent a second or third time, to another backend.
    case retries
    /// Retries not made because the budget was spent.
    case retriesDenied
    /// Requests sent to a second backend while the first had not answered yet.
    case hedges
    /// Hedged requests that the second backend answered.
    case hedgesWon
    /// Requests that had to wait for a backend to have room.
    case queued
    /// Requests that wait for a backend to have room now.
    case queueLength
    /// Bytes of bodies and heads received from clients and passed on.
    case bytesFromClients
    /// Bytes sent to clients.
    case bytesToClients
    /// Responses that Fairlead cut itself, which `cutShort` has as well: their time, or that of
    /// their backend's drain, was over.
    case ownCuts
    /// Clients that went away when they had waited for a second or more and no response had begun;
    /// `clientAborts` has them as well.
    case gaveUp
    /// Handshakes of TLS with backends in which they showed their certificate.
    case fullHandshakes
    /// Handshakes of TLS with backends that resumed a session.
    case resumedHandshakes
    /// Handshakes with backends that failed: a certificate is not valid any more, or not yet.
    case outdatedCertificates
    /// Handshakes with backends that failed: the certificate is for other names.
    case misnamedCertificates
    /// Handshakes with backends that failed: the certificate comes from nobody who is trusted.
    case unknownIssuers
    /// Handshakes with backends that failed: the certificate breaks another rule.
    case badCertificates
    /// Handshakes with backends that failed: the backend wants another certificate of ours, or one.
    case certificatesWanted
    /// Handshakes with backends that failed: the backend refused for another reason.
    case refusedHandshakes
    /// Handshakes with backends that failed: no version, cipher suite or group in common.
    case unlikeHandshakes
    /// Handshakes with backends that failed: what came is no TLS.
    case notTLS
    /// Handshakes with backends that failed: the connection ended.
    case brokenOffHandshakes
    /// Handshakes with backends that were not over in time.
    case handshakeTimeouts
    /// Connections of HTTP/2 that were made to backends.
    case http2Connections
    /// Requests that a backend refused before it did anything with them (REFUSED_STREAM, GOAWAY).
    case refusedStreams
    /// What backends did by HTTP/2 that they may not do.
    case http2Faults
    /// Responses that were compressed on their way, by coding.
    case gzipResponses, brotliResponses, zstdResponses
    /// Responses that were not compressed where a rule is for them, by reason.
    case uncompressedByClient, uncompressedByType, uncompressedBySize, uncompressedByCoding
    case uncompressedByWord, uncompressedByMemory
    /// Bytes of the content of responses that were compressed, before and after.
    case bytesCompressed, bytesOfCompressed
    /// Requests that the service of `auth` let through, or whose password was right.
    case authAllowed
    /// Requests that the service of `auth` refused, whose clients got its answer; and those without
    /// a password that is right.
    case authRefused
    /// Answered 503 by Fairlead: the service of `auth` gave no answer that says yes or no, or the
    /// password could not be checked in time.
    case authFailed
    /// Requests let through although the service of `auth` gave no such answer.
    case authSkipped
    /// Copies of other services' requests that were sent to this one; `requests` has them as well.
    case mirrored
    /// Copies that were not sent: their requests were too large or cut short, or too many copies
    /// were under way.
    case mirrorsLeftOut
    /// Calls of gRPC whose clients got OK.
    case callsOK
    /// Calls of gRPC whose clients got a status that is about the call, Fairlead's own among them.
    case callsRefused
    /// Calls of gRPC whose clients got a status that is about the server, Fairlead's own among
    /// them.
    case callsFailed
}

extension ServiceCounter: ShownCounter {
    private static let responses = CounterForm.Family(
        metric: "fairlead_responses_total", label: "class", group: "responses",
        help: "Responses that clients got, Fairlead's own among them, by class of status.")
    private static let errors = CounterForm.Family(
        metric: "fairlead_request_errors_total", label: "reason", group: "errors",
        help: "Requests that did not get a whole response of a backend, by reason. Most are among "
            + "the 5xx responses too: fairlead_failed_requests_total has each once.")

    private static let handshakes = CounterForm.Family(
        metric: "fairlead_backend_tls_handshakes_total", label: "type", group: "tlsHandshakes",
        help: "TLS handshakes with backends: full, or resumed without a certificate.")
    private static let tlsFailures = CounterForm.Family(
        metric: "fairlead_backend_tls_failures_total", label: "reason", group: "tlsFailures",
        help: "TLS handshakes with backends that failed, by reason; checks are not among them.")
    private static let compressed = CounterForm.Family(
        metric: "fairlead_compressed_responses_total", label: "coding", group: "compressed",
        help: "Responses that were compressed on their way to the client, by content coding.")
    private static let uncompressed = CounterForm.Family(
        metric: "fairlead_uncompressed_responses_total", label: "reason", group: "uncompressed",
        help: "Responses that were not compressed although `compress` is on for them: the client "
            + "takes no such coding, `compress.types` or `min-size` leaves them out, they are "
            + "compressed already, say `no-transform` or a digest, or `compress.memory` is in use.")
    private static let compression = CounterForm.Family(
        metric: "fairlead_compression_bytes_total", label: "side", group: "compressionBytes",
        help: "Bytes of the content of these responses: `in` as the backends sent them, `out` as "
            + "the clients got them.")

    private static let auth = CounterForm.Family(
        metric: "fairlead_auth_requests_total", label: "result", group: "auth",
        help: "Requests about which another service was asked, or that need a password, by what "
            + "became of them.")

    private static let mirrors = CounterForm.Family(
        metric: "fairlead_mirrored_requests_total", label: "result", group: "mirrored",
        help: "Copies of requests of routes with `mirror` for the service: sent, or left out since "
            + "a body was larger than `mirror.body` or not whole, or too many were under way.")

    private static let calls = CounterForm.Family(
        metric: "fairlead_grpc_calls_total", label: "result", group: "grpcCalls",
        help: "Calls of gRPC by the status that their clients got, Fairlead's own among them: "
            + "server_error is UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE "
            + "and DATA_LOSS, client_error any other but OK.")

    /// How operators see the counter; nil for one that only Fairlead itself reads.
    package var form: CounterForm? {
        switch self {
        case .requests:
            .counter(
                "fairlead_requests_total", key: "requests",
                "HTTP requests, or TCP connections, taken on.")
        case .failed:
            .counter(
                "fairlead_failed_requests_total", key: "failed",
                "Requests that failed, each counted once: status 500 and above, no answer, or cut "
                    + "short.")
        case .inFlight:
            .gauge("fairlead_requests_in_flight", key: "inFlight", "Requests under way now.")
        case .responses2xx: Self.responses.member("2xx", key: "2xx")
        case .responses3xx: Self.responses.member("3xx", key: "3xx")
        case .responses4xx: Self.responses.member("4xx", key: "4xx")
        case .responses5xx: Self.responses.member("5xx", key: "5xx")
        case .noBackend: Self.errors.member("no_backend", key: "noBackend")
        case .backendErrors: Self.errors.member("backend_error", key: "backendError")
        case .timeouts: Self.errors.member("timeout", key: "timeout")
        case .cutShort: Self.errors.member("cut_short", key: "cutShort")
        case .oversizedResponses:
            .counter(
                "fairlead_oversized_responses_total", key: "oversizedResponses",
                "Responses answered 502 or cut short since their bodies were larger than "
                    + "`limits.response-body`.")
        case .clientAborts: Self.errors.member("client_abort", key: "clientAbort")
        case .expired: Self.errors.member("expired", key: "expired")
        case .overLimit: Self.errors.member("over_limit", key: "overLimit")
        case .shortages: Self.errors.member("shortage", key: "shortage")
        case .upgrades:
            .counter(
                "fairlead_upgrades_total", key: "upgrades",
                "Connections that switched to another protocol, such as WebSocket.")
        case .retries:
            .counter(
                "fairlead_retries_total", key: "retries",
                "Requests sent once more, to another backend.")
        case .retriesDenied:
            .counter(
                "fairlead_retries_denied_total", key: "retriesDenied",
                "Retries not made because the budget was spent.")
        case .hedges:
            .counter(
                "fairlead_hedges_total", key: "hedges",
                "Requests sent to a second backend while the first had not answered yet.")
        case .hedgesWon:
            .counter(
                "fairlead_hedges_won_total", key: "hedgesWon", "Of these, answered by the second.")
        case .queued:
            .counter(
                "fairlead_queued_requests_total", key: "queued",
                "Requests that had to wait for a backend to have room.")
        case .queueLength:
            .gauge("fairlead_waiting_requests", key: "waiting", "Of these, waiting now.")
        case .bytesFromClients:
            .counter(
                "fairlead_received_bytes_total", key: "receivedBytes",
                "Bytes received from clients and passed on.")
        case .bytesToClients:
            .counter("fairlead_sent_bytes_total", key: "sentBytes", "Bytes sent to clients.")
        case .ownCuts, .gaveUp: nil
        case .fullHandshakes: Self.handshakes.member("full", key: "full")
        case .resumedHandshakes: Self.handshakes.member("resumed", key: "resumed")
        case .outdatedCertificates: Self.tlsFailures.member("outdated", key: "outdated")
        case .misnamedCertificates: Self.tlsFailures.member("wrong_name", key: "wrongName")
        case .unknownIssuers: Self.tlsFailures.member("unknown_issuer", key: "unknownIssuer")
        case .badCertificates: Self.tlsFailures.member("bad_certificate", key: "badCertificate")
        case .certificatesWanted:
            Self.tlsFailures.member("certificate_wanted", key: "certificateWanted")
        case .refusedHandshakes: Self.tlsFailures.member("refused", key: "refused")
        case .unlikeHandshakes: Self.tlsFailures.member("nothing_in_common", key: "nothingInCommon")
        case .notTLS: Self.tlsFailures.member("not_tls", key: "notTLS")
        case .brokenOffHandshakes: Self.tlsFailures.member("broken_off", key: "brokenOff")
        case .handshakeTimeouts: Self.tlsFailures.member("timeout", key: "timeout")
        case .http2Connections:
            .counter(
                "fairlead_backend_http2_connections_total", key: "http2Connections",
                "Connections of HTTP/2 made to backends.")
        case .refusedStreams:
            .counter(
                "fairlead_backend_http2_refused_total", key: "http2Refused",
                "Requests that a backend refused before it did anything with them, by HTTP/2.")
        case .http2Faults:
            .counter(
                "fairlead_backend_http2_faults_total", key: "http2Faults",
                "What backends did by HTTP/2 that they may not do.")
        case .gzipResponses: Self.compressed.member("gzip", key: "gzip")
        case .brotliResponses: Self.compressed.member("br", key: "br")
        case .zstdResponses: Self.compressed.member("zstd", key: "zstd")
        case .uncompressedByClient: Self.uncompressed.member("client", key: "client")
        case .uncompressedByType: Self.uncompressed.member("type", key: "type")
        case .uncompressedBySize: Self.uncompressed.member("size", key: "size")
        case .uncompressedByCoding: Self.uncompressed.member("coded", key: "coded")
        case .uncompressedByWord: Self.uncompressed.member("no_transform", key: "noTransform")
        case .uncompressedByMemory: Self.uncompressed.member("memory", key: "memory")
        case .bytesCompressed: Self.compression.member("in", key: "in")
        case .bytesOfCompressed: Self.compression.member("out", key: "out")
        case .authAllowed: Self.auth.member("allowed", key: "allowed")
        case .authRefused: Self.auth.member("refused", key: "refused")
        case .authFailed: Self.auth.member("failed", key: "failed")
        case .authSkipped: Self.auth.member("skipped", key: "skipped")
        case .mirrored: Self.mirrors.member("sent", key: "sent")
        case .mirrorsLeftOut: Self.mirrors.member("left_out", key: "leftOut")
        case .callsOK: Self.calls.member("ok", key: "ok")
        case .callsRefused: Self.calls.member("client_error", key: "clientError")
        case .callsFailed: Self.calls.member("server_error", key: "serverError")
        }
    }
}

/// What one worker counts for one service. The worker's thread writes, any thread reads.
public final class ServiceCounters: Sendable {
    @usableFromInline let counts = CounterSet<ServiceCounter, 64>()
    /// Of the requests that failed, the ones that a backend answered, by status.
    package let failedStatuses = FailedStatuses()
    /// From the request's head to the last byte of the response; for TCP, of the connection.
    package let duration = Histogram()
    /// How calls of gRPC ended.
    package let calls = CallStatuses()
    /// Made for the first request whose trace is recorded: most services have none.
    private let exemplars = AtomicLazyReference<ExemplarSlots>()

    /// All zero.
    package init() {}

    /// Keeps the last request of those that take as long. The one writing thread only.
    package func keep(_ exemplar: Exemplar) {
        let slots = exemplars.load() ?? exemplars.storeIfNil(ExemplarSlots())
        slots.keep(exemplar)
    }

    fileprivate var exemplarSlots: ExemplarSlots? { exemplars.load() }

    /// Adds `amount`; negative for a gauge that falls. The one writing thread only.
    @inlinable package func add(_ name: ServiceCounter, _ amount: Int = 1) {
        counts.add(name, amount)
    }

    /// The counter's value now. Any thread.
    package subscript(_ name: ServiceCounter) -> Int { counts[name] }
}

/// A service's counters over all workers. Value type, any thread.
package struct ServiceTotals: Sendable, Equatable {
    /// The counters.
    package var counts = CounterTotals<ServiceCounter>()
    /// How long requests took, from the head to the last byte of the response.
    package var duration = HistogramTotals()
    /// How calls of gRPC ended.
    package var calls = CallTotals()
    /// Requests whose traces are recorded, as examples of those that took as long.
    package var exemplars = ExemplarTotals()

    /// All zero.
    package init() {}

    /// The total of one counter.
    package subscript(_ name: ServiceCounter) -> Int {
        get { counts[name] }
        set { counts[name] = newValue }
    }

    mutating func add(_ counters: ServiceCounters) {
        counts.add(counters.counts)
        duration += counters.duration.totals
        calls.add(counters.calls)
        if let slots = counters.exemplarSlots { exemplars.add(slots) }
    }
}
