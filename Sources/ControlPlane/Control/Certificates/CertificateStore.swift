// CertificateStore: the certificates of all listeners, and of those who issue their clients', from
// whatever source: files, folders, or another part of this program. What gets certificates hands
// over all that a source has; what a listener's clients are shown follows from its sources. A
// change reaches the workers without a reload: handshakes that begin after it are answered by the
// new certificates, and connections that are there keep what they have.

internal import CertificateFiles
internal import Configuration
internal import TLS
internal import Traffic

/// The certificates of this process. Control thread only.
final class CertificateStore {
    /// Called when what some source has is different, before `set` returns.
    var onChange: () -> Void = {}
    /// Called when there are other sources than before.
    var onSources: () -> Void = {}
    /// Called with what clients of such an address are shown from now on; nil: it speaks no TLS.
    var onPortChange: (OwnPort, ServerNames?) -> Void = { _, _ in }
    private let workers: Int
    /// How this process's own addresses speak TLS; nothing for one that is not there.
    private var ports: [OwnPort: TLSSettings] = [:]

    /// This process's own addresses.
    enum OwnPort {
        /// The admin port.
        case admin
        /// The one for health and metrics alone.
        case health
    }

    /// What each source has; nothing for one that has not handed anything over yet.
    private(set) var readings: [CertificateSource: CertificateReading]
    /// What was made last for each listener, by its name.
    private var made: [String: (options: TLSServerOptions, serving: TLSServing)] = [:]

    /// Begins with what `configuration` was read with.
    init(_ configuration: Configuration) {
        workers = configuration.workers
        readings = configuration.certificates
        if configuration.admin.listen != nil { ports[.admin] = configuration.admin.tls }
        if !configuration.health.listen.isEmpty { ports[.health] = configuration.health.tls }
    }

    /// Makes `new` what the sources have, of which some may be new. Returns those whose
    /// certificates differ from before.
    @discardableResult
    func set(_ new: [CertificateSource: CertificateReading]) -> Set<CertificateSource> {
        var changed: Set<CertificateSource> = []
        let hasMore = new.keys.contains { readings[$0] == nil }
        for (source, reading) in new {
            let old = readings[source]
            if old?.found != reading.found || old?.clients != reading.clients {
                changed.insert(source)
            }
            readings[source] = reading
        }
        if !changed.isEmpty { onChange() }
        if hasMore { onSources() }
        for (port, settings) in ports where !changed.isDisjoint(with: settings.allSources) {
            onPortChange(port, names(of: port))
        }
        return changed
    }

    /// Forgets sources that none of `listeners` names.
    func forget(except listeners: [Listener]) {
        let named = Set((listeners.map(\.tls) + ports.values).flatMap(\.allSources))
        let count = readings.count
        readings = readings.filter { named.contains($0.key) }
        if readings.count < count { onSources() }
        let names = Set(listeners.map(\.name))
        made = made.filter { names.contains($0.key) }
    }

    /// The certificates of `listener`, in the order of its sources.
    func certificates(of listener: Listener) -> [FoundCertificate] {
        listener.tls.allSources.flatMap { readings[$0]?.found ?? [] }
    }

    /// What clients of `listener` are shown; nil when it speaks no TLS. One object for as long as
    /// nothing about it changes. Takes some microseconds for a certificate otherwise.
    func serving(for listener: Listener) -> TLSServing? {
        guard listener.tls.isOn else { return nil }
        let options = TLSServerOptions(
            certificates: certificates(of: listener).map(\.certificate),
            isStrict: listener.tls.isStrict, minVersion: listener.tls.minVersion,
            isHTTP: listener.mode == .http, speaksHTTP2: listener.policy.speaksHTTP2,
            clients: clientRules(of: listener.tls))
        if let known = made[listener.name], known.options == options { return known.serving }
        let serving = TLSServing(options, workers: workers)
        made[listener.name] = (options, serving)
        return serving
    }

    /// What is asked of clients' certificates; nil for nothing.
    private func clientRules(of settings: TLSSettings) -> TLSClientRules? {
        guard let source = settings.clients.source else { return nil }
        guard let rules = readings[source]?.clients else {
            preconditionFailure("a configuration whose clients can't be verified is refused")
        }
        return rules
    }

    // MARK: - This process's own addresses

    /// Takes over how the address for health speaks TLS; only it may change while the process runs.
    func follow(_ health: HealthSettings) {
        let new = health.listen.isEmpty ? nil : health.tls
        guard new != ports[.health] else { return }
        ports[.health] = new
        onPortChange(.health, names(of: .health))
    }

    /// What clients of `port` are shown; nil when it speaks no TLS, or is not there.
    func names(of port: OwnPort) -> ServerNames? {
        guard let settings = ports[port], settings.isOn else { return nil }
        let found = settings.sources.flatMap { readings[$0]?.found ?? [] }
        let options = TLSServerOptions(
            certificates: found.map(\.certificate), isStrict: settings.isStrict,
            minVersion: settings.minVersion, isHTTP: true, clients: clientRules(of: settings))
        return TLSServing(options, workers: 1).names(worker: 0)
    }
}

extension CertificateTrouble {
    /// What comes of it, as a clause.
    var effect: String {
        isMinor ? "the certificate is shown without it" : "what was in use before stays"
    }
}
