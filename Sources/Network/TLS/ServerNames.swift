// ServerNames: which certificates a client is shown, by the name that it asks for (SNI).

/// How clients of one address are answered. Value type, any thread.
package struct TLSServerOptions: Equatable, Sendable {
    /// The certificates; the first is the default. One at least.
    package var certificates: [TLSCertificate]
    /// Whether clients are refused that ask for a name of no certificate, or for none.
    package var isStrict: Bool
    /// The oldest version that is spoken.
    package var minVersion: TLSVersion
    /// Whether HTTP/1.1 is spoken over it: clients that say that they don't are refused.
    package var isHTTP: Bool

    /// A server with these options.
    package init(
        certificates: [TLSCertificate], isStrict: Bool = false, minVersion: TLSVersion = .tls12,
        isHTTP: Bool
    ) {
        self.certificates = certificates
        self.isStrict = isStrict
        self.minVersion = minVersion
        self.isHTTP = isHTTP
    }
}

/// The contexts of all workers for one address. Made by any thread; each worker takes its own.
package final class TLSServing: Sendable {
    // Never changed, and each used by one thread.
    private nonisolated(unsafe) let names: [ServerNames]

    /// Contexts for so many workers. Takes a tenth of a millisecond for a certificate and worker.
    ///
    /// - Precondition: the certificates of `options` were checked (`TLSCertificate`).
    package init(_ options: TLSServerOptions, workers: Int) {
        unsafe names = (0..<workers).map { _ in
            do throws(CertificateProblem) {
                return try ServerNames(options, tickets: .ofProcess)
            } catch {
                preconditionFailure("a certificate that was checked is refused: \(error)")
            }
        }
    }

    /// The contexts of this worker.
    package func names(worker: Int) -> ServerNames { unsafe names[worker] }
}

/// A thread's contexts for one address. One thread at a time.
package final class ServerNames {
    /// The contexts by name; one for `*.example.com` stands under `.example.com`.
    private var contexts: [String: TLSContext] = [:]
    /// The context of handshakes that begin, and of clients that ask for no name that is known.
    package let first: TLSContext
    private let isStrict: Bool

    /// Contexts for `options`, whose tickets `tickets` seal.
    package init(_ options: TLSServerOptions, tickets: TicketKeys) throws(CertificateProblem) {
        precondition(!options.certificates.isEmpty, "a server has a certificate")
        var places: [String: [Int]] = [:]
        for (place, certificate) in options.certificates.enumerated() {
            for name in certificate.names {
                places[Self.key(name), default: []].append(place)
            }
        }
        var made: [[Int]: TLSContext] = [:]
        func context(_ places: [Int]) throws(CertificateProblem) -> TLSContext {
            let chosen = Self.onePerKind(places, of: options.certificates)
            if let context = made[chosen] { return context }
            let context = try TLSContext(
                chosen.map { options.certificates[$0] }, options, tickets: tickets)
            made[chosen] = context
            return context
        }
        // Beside the first certificate stand those of other kinds for its names.
        let beside = options.certificates[0].names.first.flatMap { places[Self.key($0)] } ?? [0]
        first = try context(beside)
        for (name, places) in places { contexts[name] = try context(places) }
        isStrict = options.isStrict
        first.followNames()
    }

    private static func key(_ name: String) -> String {
        name.hasPrefix("*.") ? String(name.dropFirst()) : name
    }

    /// Of certificates for one name the first with each kind of key.
    private static func onePerKind(_ places: [Int], of certificates: [TLSCertificate]) -> [Int] {
        var kinds: Set<Int32> = []
        return places.filter { kinds.insert(certificates[$0].keyKind).inserted }
    }

    /// The context for a client that asks for `name`, in lower case; nil when it is refused. A
    /// wildcard stands for one label (RFC 9525, section 6.3).
    func context(for name: String?) -> TLSContext? {
        if let name {
            if let context = contexts[name] { return context }
            if let dot = name.firstIndex(of: "."), dot != name.startIndex,
                let context = contexts[String(name[dot...])]
            {
                return context
            }
        }
        return isStrict ? nil : first
    }
}
