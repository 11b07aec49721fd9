// ClientPolicy: how the clients of a listener are treated. Each default stands here and nowhere
// else: Configuration's option table points at these fields, and the workers read them.

package import Access
package import Endpoints
package import HTTP1
package import RateLimits
package import Routing

/// What a listener speaks. The raw value is the word that operators write.
package enum ListenerMode: String, CaseIterable, Sendable {
    /// HTTP, request by request.
    case http
    /// Any stream, connection by connection.
    case tcp
}

/// How the clients of one listener are treated. Value type, any thread.
package struct ClientPolicy: Sendable, Equatable {
    /// How long its clients may take.
    package var timeouts = ClientTimeouts()
    /// Limits of a request's head; an answer's are `ofAnswers` of them.
    package var headLimits = HeadLimits()
    /// How large bodies may be; HTTP only.
    package var bodyLimits = BodyLimits()
    /// Client connections open at once, at least 1; more are closed at once.
    package var connectionsMax = 10_000
    /// Connections that one client address may have open at once, over all workers; of IPv6 one
    /// /64. Nil is no limit but that: behind one address there may be many clients.
    package var connectionsPerAddress: Int?
    /// Networks whose addresses may have as many as they like.
    package var connectionsExempt: [IPNetwork] = []
    /// `connectionsMax` of all workers, for the part of one.
    package private(set) var connectionsOfAllWorkers: Int?
    /// What backends are told of its clients.
    package var forwarding = ForwardingPolicy()
    /// What they are told of the certificate that a client has shown, if it has. All by default:
    /// which of it an application reads is not known here.
    package var certificateFields = ClientCertificateField.allCases
    /// Clients whose own account of where a request came from is believed. None by default: what
    /// anyone may write proves nothing.
    package var trustedProxies: [IPNetwork] = []
    /// Whose connections begin with a PROXY header.
    package var proxyProtocol = ProxyProtocolPolicy()
    /// Which addresses its clients may have: of each request's client with HTTP, of each
    /// connection's with TCP.
    package var access = AddressRules()
    /// How many requests its clients may send; HTTP only. Each one has to let a request through.
    package var rates: [RateRule] = []
    /// What its clients see of errors, by status; HTTP only.
    package var errorPages: [PageRule] = []
    /// Whether they see it in the place of backends' answers as well. Not by default: a backend
    /// knows best what to say of its own.
    package var errorPagesOfBackends = false
    /// When it is closed; HTTP only.
    package var maintenance = MaintenanceRule()
    /// What those that come by TLS are told of using it always; HTTP only.
    package var strictTransport = StrictTransport()
    /// How responses to them are compressed; HTTP only.
    package var compression = CompressionOptions()
    /// The most memory that compressing responses may take at once, in bytes: beyond it they go as
    /// they are. 128 MiB are 480 responses by gzip, or 64 by brotli.
    package var compressionMemoryMax = 128 << 20
    /// Whether clients may speak HTTP/2, by TLS (ALPN) and in the clear (RFC 9113, sections 3.2 and
    /// 3.3); HTTP only. In the clear it can't be mistaken for anything else.
    package var speaksHTTP2 = true
    /// Whether a client may switch to another protocol (RFC 9110, section 7.8); HTTP only.
    package var allowsUpgrade = true
    /// Whether a client that closes its sending side before an answer begins is taken to be gone,
    /// so that its request is cancelled; HTTP only. Nearly every client that does so is gone.
    package var cancelsAtHalfClose = true
    /// Whether a client may ask a backend for a tunnel by CONNECT (RFC 9110, section 9.3.6); HTTP
    /// only.
    package var allowsConnect = false

    /// The defaults.
    package init() {}

    /// The policy for one of so many workers, 1 or more, each of which has its part of the
    /// connections; the kernel spreads them evenly.
    package func share(ofWorkers workers: Int) -> ClientPolicy {
        var policy = self
        policy.connectionsOfAllWorkers = connectionsMax
        policy.connectionsMax = workerShare(of: connectionsMax, workers)
        policy.compressionMemoryMax = workerShare(of: compressionMemoryMax, workers)
        return policy
    }
}

/// A field by which backends are told of a client's certificate. The raw value is the word that
/// operators write.
package enum ClientCertificateField: String, CaseIterable, Sendable {
    /// The certificate (RFC 9440).
    case certificate
    /// The name of the one that it was issued to.
    case subject
    /// Its alternative names.
    case san
    /// Its serial number.
    case serial
    /// Its SHA-256.
    case fingerprint

    /// The field's name.
    package var name: String {
        switch self {
        case .certificate: "Client-Cert"
        case .subject: "Client-Cert-Subject"
        case .san: "Client-Cert-SAN"
        case .serial: "Client-Cert-Serial"
        case .fingerprint: "Client-Cert-Fingerprint"
        }
    }
}

/// Which connections begin with a PROXY header, so that their clients are those that it names.
package struct ProxyProtocolPolicy: Sendable, Equatable {
    /// The proxies that send one: each of their connections has to begin with it. Empty: nobody
    /// does, and none is looked for. None by default: who may write one may call itself anybody.
    package var from: [IPNetwork] = []
    /// Whether other clients are refused. If not, they are served as they come, and may send no
    /// header.
    package var isRequired = true

    /// The defaults.
    package init() {}
}

/// How long a client may take, and its backend keep it waiting in mid-stream.
package struct ClientTimeouts: Sendable, Equatable {
    /// From the connection's begin to the end of what comes before the client's protocol: a PROXY
    /// header, and from there to the end of the handshake of TLS. As long as a head, for the same
    /// reason.
    package var handshake = Duration.seconds(10)
    /// From the first byte of a head, or from the connection's begin, to its last. Bounds a client
    /// that drips its head; 10 s is several retransmissions on a bad mobile link.
    package var head = Duration.seconds(10)
    /// Between a response and the next request. A browser reuses its connections for about a
    /// minute.
    package var idle = Duration.seconds(60)
    /// Without a byte moving in either direction while a body is under way.
    package var stall = Duration.seconds(30)
    /// Without a byte in either direction on a TCP connection, or one that has switched to another
    /// protocol: longer than the heartbeats of common WebSocket and database clients.
    package var tunnel = Duration.seconds(300)
    /// How long such a connection lasts; each gets up to a tenth less, at random, so that those
    /// that began together do not come back together. Nil is no limit.
    package var tunnelMax: Duration?
    /// From a response's head to its last byte, less up to a tenth at random; nil is no limit.
    package var responseMax: Duration?
    /// How long a host may acknowledge nothing until it is taken for gone; nil leaves that to the
    /// kernel, which takes about a quarter of an hour. 30 s outlast a lost link that comes back.
    package var vanished: Duration? = .seconds(30)
    /// From a request's head to the last byte of its response; nil is no limit, since downloads and
    /// event streams may go on for as long as they move.
    package var request: Duration?

    /// The defaults.
    package init() {}
}

/// The part of a limit that one of so many workers has, rounded up, so that it is at least 1.
func workerShare(of limit: Int, _ workers: Int) -> Int {
    max(1, (limit + workers - 1) / workers)
}
