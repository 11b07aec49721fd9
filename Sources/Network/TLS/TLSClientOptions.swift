// TLSClientOptions: how connections to servers are made secure.

/// How a client of TLS knows its servers, and shows who it is. Value type, any thread.
package struct TLSClientOptions: Equatable, Sendable {
    /// Whose certificates are believed. Value type, any thread.
    package enum Trust: Equatable, Sendable {
        /// Believed is what leads to an authority of this machine's list.
        case system
        /// Believed is what leads to one of these certificates, in PEM.
        case authorities([UInt8])
        /// Everything is believed: anybody on the way can be the server, read everything and
        /// answer. For tests, and for networks that are safe by themselves.
        case anybody
    }

    /// Whose certificates are believed. With `anybody` the server's name isn't looked at either.
    package var trust: Trust
    /// The name to ask for, and to find in the server's certificate; nil: each connection says its
    /// server's.
    package var name: TLSPeerName?
    /// What is shown to servers that ask for a certificate; nil: nothing.
    package var certificate: TLSCertificate?
    /// The oldest version that is spoken.
    package var minVersion: TLSVersion
    /// The protocols that are offered to the server, best first (ALPN, RFC 7301); empty: it is told
    /// none.
    package var protocols: [ApplicationProtocol]

    /// A client with these options.
    package init(
        trust: Trust = .system, name: TLSPeerName? = nil, certificate: TLSCertificate? = nil,
        minVersion: TLSVersion = .tls12, protocols: [ApplicationProtocol]
    ) {
        self.trust = trust
        self.name = name
        self.certificate = certificate
        self.minVersion = minVersion
        self.protocols = protocols
    }
}

/// A protocol that is spoken over TLS, by its name in ALPN (RFC 7301). Value type, any thread.
package enum ApplicationProtocol: String, Equatable, Sendable {
    /// HTTP/1.1.
    case http1 = "http/1.1"
    /// HTTP/2 (RFC 9113, section 3.2).
    case http2 = "h2"

    /// A list of them as ALPN has it: each with its length in front.
    static func list(of protocols: [ApplicationProtocol]) -> [UInt8] {
        protocols.flatMap { [UInt8($0.rawValue.utf8.count)] + Array($0.rawValue.utf8) }
    }
}

/// Why a client can't be set up; the text says what to do. Value type, any thread.
package enum TLSClientProblem: Error, Equatable, Sendable {
    /// The certificates of the authorities can't be read.
    case authorities(CertificateProblem)
    /// The client's own certificate can't be used.
    case certificate(CertificateProblem)
    /// This machine has no list of authorities; the text says where it was looked for.
    case noSystemList(String)
}

extension TLSClientProblem: CustomStringConvertible {
    /// The reason, and what to do about it.
    package var description: String {
        switch self {
        case .authorities(let problem), .certificate(let problem): "\(problem)"
        case .noSystemList(let places):
            """
            this machine has no list of trusted authorities (looked for \(places)); install \
            ca-certificates, or name a file with the authority's certificate
            """
        }
    }
}

/// A client of TLS on one thread: makes the layers of its connections. Its thread only.
package final class TLSClient {
    /// What it was made with.
    package let options: TLSClientOptions
    let context: TLSContext

    /// A client with `options`. The first one that trusts the machine's list reads it, which takes
    /// tens of milliseconds: make that one where nobody waits.
    package convenience init(_ options: TLSClientOptions) throws(TLSClientProblem) {
        try self.init(options, trusting: TLSTrust.of(options.trust))
    }

    /// A client with options of which one was made before.
    package convenience init(checked options: TLSClientOptions) {
        do throws(TLSClientProblem) {
            try self.init(options)
        } catch {
            preconditionFailure("options that were checked are refused: \(error)")
        }
    }

    fileprivate init(
        _ options: TLSClientOptions, trusting trust: TLSTrust?
    ) throws(TLSClientProblem) {
        self.options = options
        do throws(CertificateProblem) {
            context = try TLSContext(options, trusting: trust)
        } catch {
            throw .certificate(error)
        }
    }
}

/// One client for each worker, with the same options. Made by any thread; each worker uses its own.
package final class TLSClients: Sendable {
    /// What they were made with.
    package let options: TLSClientOptions
    // Never changed, and each used by one thread.
    private nonisolated(unsafe) let clients: [TLSClient]

    /// Clients for so many workers, with options of which a client was made before. Takes a tenth
    /// of a millisecond for each: all share the list of authorities.
    package init(checked options: TLSClientOptions, workers: Int) {
        self.options = options
        do throws(TLSClientProblem) {
            let trust = try TLSTrust.of(options.trust)
            var made: [TLSClient] = []
            for _ in 0..<workers { made.append(try TLSClient(options, trusting: trust)) }
            unsafe clients = made
        } catch {
            preconditionFailure("options that were checked are refused: \(error)")
        }
    }

    /// The client of this worker.
    package func client(worker: Int) -> TLSClient { unsafe clients[worker] }
}

extension TLSClients: Equatable {
    /// Whether both were made with the same options, so that either can go on for the other.
    package static func == (one: TLSClients, other: TLSClients) -> Bool {
        one === other || one.options == other.options
    }
}
