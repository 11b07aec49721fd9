// CertificateStore: the certificates of all listeners, and of those who issue their clients', from
// whatever source: files, folders, or another part of this program. What gets certificates hands
// over all that a source has; what a listener's clients are shown follows from its sources. A change
// reaches the workers without a reload: handshakes that begin after it are answered by the new
// certificates, and connections that are there keep what they have.

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
    /// Called with what clients of the admin port are shown from now on.
    var onAdminChange: (ServerNames?) -> Void = { _ in }
    private let workers: Int
    /// The TLS of the admin port; nil without a port.
    private let admin: TLSSettings?
    /// What each source has; nothing for one that has not handed anything over yet.
    private(set) var readings: [CertificateSource: CertificateReading]
    /// What was made last for each listener, by its name.
    private var made: [String: (options: TLSServerOptions, serving: TLSServing)] = [:]

    /// Begins with what `configuration` was read with.
    init(_ configuration: Configuration) {
        workers = configuration.workers
        admin = configuration.admin.listen == nil ? nil : configuration.admin.tls
        readings = configuration.certificates
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
        if !changed.isDisjoint(with: adminSources) { onAdminChange(adminNames) }
        return changed
    }

    /// Forgets sources that none of `listeners` names.
    func forget(except listeners: [Listener]) {
        let named = Set(listeners.flatMap(\.tls.allSources) + adminSources)
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

    // MARK: - The admin port

    private var adminSources: [CertificateSource] { admin?.allSources ?? [] }

    /// What clients of the admin port are shown; nil when it speaks no TLS.
    var adminNames: ServerNames? {
        guard let admin, admin.isOn else { return nil }
        let found = admin.sources.flatMap { readings[$0]?.found ?? [] }
        let options = TLSServerOptions(
            certificates: found.map(\.certificate), isStrict: admin.isStrict,
            minVersion: admin.minVersion, isHTTP: true, clients: clientRules(of: admin))
        return TLSServing(options, workers: 1).names(worker: 0)
    }
}

extension CertificateTrouble {
    /// What comes of it, as a clause.
    var effect: String {
        isMinor ? "the certificate is shown without it" : "what was in use before stays"
    }
}
