// CertificateWatch: takes up certificates that have changed on disk, and what verifies those of
// clients.
//
// A FileFollower says when to look, and all bytes are compared then. A broken certificate leaves
// the one in use in force, and log, page and metrics tell of it until it is mended.

internal import CertificateFiles
internal import Configuration
internal import Events
internal import TLS
internal import WallClock

/// Follows the files of certificates. Control thread only.
final class CertificateWatch {
    private let store: CertificateStore
    private let log: () -> Log
    private var follower: FileFollower?
    /// What the files of each source had when they were read last.
    private var digests: [CertificateSource: Int] = [:]

    /// Watches nothing before `start`.
    init(_ store: CertificateStore, on loop: EventLoop, log: @escaping () -> Log) {
        self.store = store
        self.log = log
        follower = FileFollower(
            // A chain comes, and then its key.
            on: loop, FileFollower.Settling(time: .seconds(1), most: .seconds(5)),
            paths: { [unowned self] in
                var paths = WatchedPaths()
                for source in sources { paths.add(source) }
                return paths
            },
            warn: {
                log().write(.warning, "certificate.unwatched", ["cause": "\($0)", "effect": $1])
            },
            look: { [unowned self] in look() })
        // The sources may be others.
        store.onSources = { [unowned self] in follower?.follow() }
    }

    /// Begins to watch the files of the store's sources; without any it costs nothing.
    func start() { follower?.start() }

    /// Watches no more.
    func stop() { follower?.stop() }

    private var sources: [CertificateSource] {
        store.readings.keys.filter { if case .named = $0 { false } else { true } }
    }

    // MARK: - Reading

    private func look() {
        var new: [CertificateSource: CertificateReading] = [:]
        for source in sources {
            guard let old = store.readings[source] else { continue }
            let digest = CertificateReader.digest(of: source)
            // What is wrong may pass with time, such as a certificate that is not valid yet.
            guard digest != digests[source] || !old.troubles.isEmpty else { continue }
            digests[source] = digest
            let reading = CertificateReader.read(source, known: old.found)
                .keeping(old, exists: FolderListing.exists)
            if reading != old { new[source] = reading }
        }
        for (source, reading) in new { logChange(to: reading, of: source) }
        if !new.isEmpty { store.set(new) }
    }

    private func logChange(to new: CertificateReading, of source: CertificateSource) {
        guard let old = store.readings[source] else { return }
        let before = Set(old.found.map(\.certificate.fingerprint))
        for found in new.found where !before.contains(found.certificate.fingerprint) {
            log().write(
                .info, "certificate.new",
                [
                    "file": found.chainPlace, "subject": found.certificate.subject,
                    "ends": UTCTime(secondsSince1970: Double(found.certificate.notAfter)).iso8601,
                ])
        }
        if let clients = new.clients, clients != old.clients { logClients(clients, of: source) }
        let places = Set(new.found.map(\.chainPlace))
        for gone in old.found where !places.contains(gone.chainPlace) {
            log().write(
                .info, "certificate.removed",
                ["file": gone.chainPlace, "subject": gone.certificate.subject])
        }
        let troubles = Set(old.troubles)
        for trouble in new.troubles where !troubles.contains(trouble) {
            log().write(
                .error, "certificate.refused",
                [
                    "file": trouble.place, "cause": trouble.reason,
                    "effect": trouble.effect,
                ])
        }
        for mended in old.troubles where !new.troubles.contains(where: { $0.place == mended.place })
        {
            log().write(.info, "certificate.mended", ["file": mended.place])
        }
    }

    private func logClients(_ rules: TLSClientRules, of source: CertificateSource) {
        guard case .clients(let authorities, let revocations, _) = source else { return }
        var fields: KeyValuePairs<String, String> = ["file": authorities]
        if let revocations, let end = rules.revocationsEnd {
            fields = [
                "file": authorities, "crl_file": revocations,
                "crl_ends": UTCTime(secondsSince1970: Double(end)).iso8601,
            ]
        }
        log().write(.info, "certificate.authorities", fields)
    }
}
