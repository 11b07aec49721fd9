// ServerNames: which certificates a client is shown, by the name that it asks for (SNI).
//
// Names are looked up in one index, which all workers read. What OpenSSL makes of certificates a
// worker makes when a client first asks for one: so a listener with thousands of them starts, and
// takes up another one, as fast as with a few.

/// How clients of one address are answered. Value type, any thread.
package struct TLSServerOptions: Equatable, Sendable {
    /// The certificates; the first is the default. Without any every client is refused.
    package var certificates: [TLSCertificate]
    /// Whether clients are refused that ask for a name of no certificate, or for none.
    package var isStrict: Bool
    /// The oldest version that is spoken.
    package var minVersion: TLSVersion
    /// Whether HTTP/1.1 is spoken over it: clients that say that they don't are refused.
    package var isHTTP: Bool
    /// Whether HTTP/2 is spoken as well; it is chosen first (ALPN, RFC 9113, section 3.2).
    package var speaksHTTP2: Bool
    /// What is asked of clients' certificates, under every name; nil asks for none.
    package var clients: TLSClientRules?
    /// Whether certificate authorities alone are answered, by the protocol `acme-tls/1`.
    let isForChallenges: Bool

    /// A server with these options.
    package init(
        certificates: [TLSCertificate], isStrict: Bool = false, minVersion: TLSVersion = .tls12,
        isHTTP: Bool, speaksHTTP2: Bool = false, clients: TLSClientRules? = nil
    ) {
        self.certificates = certificates
        self.isStrict = isStrict
        self.minVersion = minVersion
        self.isHTTP = isHTTP
        self.speaksHTTP2 = speaksHTTP2
        self.clients = clients
        isForChallenges = false
    }

    /// A server that shows `challenges`, the certificates that answer to challenges of certificate
    /// authorities (RFC 8737), to those that ask for one of their names by that protocol.
    package init(challenges: [TLSCertificate]) {
        certificates = challenges
        isStrict = true
        minVersion = .tls12
        isHTTP = false
        speaksHTTP2 = false
        isForChallenges = true
    }
}

/// The certificates of one address, for all workers. Made by any thread; each worker takes its own
/// names.
package final class TLSServing: Sendable {
    // Never changed, and each used by one thread.
    private nonisolated(unsafe) let names: [ServerNames]

    /// Names for so many workers. Takes some microseconds for a certificate.
    ///
    /// - Precondition: the certificates of `options` were checked (`TLSCertificate`).
    package init(_ options: TLSServerOptions, workers: Int) {
        let index = NameIndex(options)
        unsafe names = (0..<workers).map { _ in ServerNames(index, tickets: .ofProcess) }
    }

    /// The names of this worker.
    package func names(worker: Int) -> ServerNames { unsafe names[worker] }
}

/// Which certificates stand for which name. Value type, any thread.
package struct NameIndex: Sendable {
    let options: TLSServerOptions
    /// Certificates that are shown together, one of a kind of key; the first are the default, and
    /// are empty when there is no certificate.
    let groups: [[TLSCertificate]]
    /// The places of groups by name; `*.example.com` stands under `.example.com`.
    private let places: [String: Int]

    /// An index of the certificates of `options`.
    package init(_ options: TLSServerOptions) {
        self.options = options
        let all = options.certificates
        var named: [String: [Int]] = [:]
        for (number, certificate) in all.enumerated() {
            for name in Set(certificate.names.map(Self.key)) {
                named[name, default: []].append(number)
            }
        }
        var groups: [[TLSCertificate]] = []
        var known: [[Int]: Int] = [:]
        func place(of numbers: [Int]) -> Int {
            let chosen = Self.onePerKind(numbers, of: all)
            if let place = known[chosen] { return place }
            groups.append(chosen.map { all[$0] })
            known[chosen] = groups.count - 1
            return groups.count - 1
        }
        // Beside the first certificate stand those of other kinds for its names.
        let first = all.first.map { $0.names.first.flatMap { named[Self.key($0)] } ?? [0] }
        _ = place(of: first ?? [])
        places = named.mapValues(place)
        self.groups = groups
    }

    private static func key(_ name: String) -> String {
        name.hasPrefix("*.") ? String(name.dropFirst()) : name
    }

    /// Of certificates for one name, each kind of key has the one that ends last: one that was
    /// left behind by its successor does no harm.
    private static func onePerKind(_ numbers: [Int], of all: [TLSCertificate]) -> [Int] {
        var best: [Int32: Int] = [:]
        for number in numbers {
            let kind = all[number].keyKind
            if let other = best[kind], all[other].notAfter >= all[number].notAfter { continue }
            best[kind] = number
        }
        return best.values.sorted()
    }

    /// The certificates for a client that asks for `name`, in lower case, one of a kind of key; nil
    /// when it is refused.
    package func certificates(for name: String?) -> [TLSCertificate]? {
        place(for: name).map { groups[$0] }
    }

    /// The place of the group for a client that asks for `name`, in lower case; nil when it is
    /// refused. A wildcard stands for one label (RFC 9525, section 6.3).
    func place(for name: String?) -> Int? {
        // A name that begins with a dot is no host's; wildcards stand under such.
        if let name, name.first != "." {
            if let place = places[name] { return place }
            if let dot = name.firstIndex(of: "."), dot != name.startIndex,
                let place = places[String(name[dot...])]
            {
                return place
            }
        }
        return options.isStrict || groups[0].isEmpty ? nil : 0
    }
}

/// A thread's contexts for one address. One thread at a time.
package final class ServerNames {
    private let index: NameIndex
    private let tickets: TicketKeys
    /// By the places of groups; nil until a client first asks for one.
    private var contexts: [TLSContext?]
    /// What verifies clients' certificates; nil until there is a context, and where none are asked
    /// for.
    private var clients: ClientTrust?

    /// Contexts for `index`, whose tickets `tickets` seal.
    package init(_ index: NameIndex, tickets: TicketKeys) {
        self.index = index
        self.tickets = tickets
        contexts = Array(repeating: nil, count: index.groups.count)
        tickets.begin()
    }

    /// The context of handshakes that begin, and of clients that ask for no name that is known.
    package var first: TLSContext { context(at: 0) }

    /// Whether a client that asks for `name`, in any case, is shown a certificate; nil: for none.
    package func answers(to name: [UInt8]?) -> Bool {
        index.place(for: name.map { String(decoding: $0, as: UTF8.self).lowercased() }) != nil
    }

    /// The context for a client that asks for `name`, in lower case; nil when it is refused.
    func context(for name: String?) -> TLSContext? { index.place(for: name).map(context) }

    private func context(at place: Int) -> TLSContext {
        if let context = contexts[place] { return context }
        do throws(CertificateProblem) {
            if clients == nil, let rules = index.options.clients {
                clients = try ClientTrust(rules)
            }
            let context = try TLSContext(
                index.groups[place], index.options, tickets: tickets, clients: clients)
            if place == 0 { context.followNames() }
            contexts[place] = context
            return context
        } catch {
            preconditionFailure("a certificate that was checked is refused: \(error)")
        }
    }
}
