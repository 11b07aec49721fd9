// CertificateWatch: takes up certificates that have changed on disk, and what verifies those of
// clients.
//
// Folders on the way to the files are watched, links included, and a moment after the last change
// the files are read. Once a minute all bytes are compared as well: network file systems don't tell
// of a change that another machine made. A broken certificate leaves the one in use in force, and
// log, page and metrics tell of it until it is mended.

internal import CertificateFiles
internal import Configuration
internal import Events
internal import TLS
internal import WallClock

/// Follows the files of certificates. Control thread only.
final class CertificateWatch {
    private let store: CertificateStore
    private let loop: EventLoop
    private let log: () -> Log
    private var folders: FolderWatch?
    private var settling: Timer?
    private var minutely: Timer?
    /// When the first change came that was not read yet.
    private var firstChange: ContinuousClock.Instant?
    /// What the files of each source had when they were read last.
    private var digests: [CertificateSource: Int] = [:]
    private var isWarned = false

    /// Changes come in bursts, such as a chain and then its key: they are read once it has been
    /// quiet for so long.
    static let settleTime = Duration.seconds(1)
    /// An endless burst is read at this interval.
    static let settleMax = Duration.seconds(5)
    /// How often the files are compared although nothing was told of a change.
    static let lookInterval = Duration.seconds(60)

    /// Watches nothing before `start`.
    init(_ store: CertificateStore, on loop: EventLoop, log: @escaping () -> Log) {
        self.store = store
        self.loop = loop
        self.log = log
        store.onSources = { [unowned self] in follow() }
    }

    /// Begins to watch the files of the store's sources; without any it costs nothing.
    func start() {
        settling = Timer(on: loop) { [unowned self] in look() }
        minutely = Timer(on: loop) { [unowned self] in look() }
        follow()
    }

    /// Watches no more.
    func stop() {
        settling?.cancel()
        minutely?.cancel()
        folders?.close()
        folders = nil
        settling = nil
    }

    private var sources: [CertificateSource] {
        store.readings.keys.filter { if case .named = $0 { false } else { true } }
    }

    /// The sources may be others: watches their folders, and reads them soon, since they may have
    /// changed since they were read.
    private func follow() {
        guard let settling, let minutely else { return }
        guard !sources.isEmpty else {
            minutely.cancel()
            folders?.close()
            folders = nil
            return
        }
        watchFolders()
        settling.schedule(after: Self.settleTime)
        if !minutely.isScheduled { minutely.schedule(after: Self.lookInterval) }
    }

    private func watchFolders() {
        var paths = WatchedPaths()
        for source in sources { paths.add(source) }
        var refusal: Errno?
        do throws(Errno) {
            let watch =
                if let folders { folders } else {
                    try FolderWatch(on: loop) { [unowned self] in changed() }
                }
            folders = watch
            refusal = watch.watch(paths.folders)
        } catch {
            refusal = error
        }
        if let refusal, !isWarned {
            log().write(
                .warning, "certificate.unwatched",
                [
                    "cause": "\(refusal)",
                    "effect": "changes are seen once a minute; raise fs.inotify.max_user_watches",
                ])
        }
        isWarned = refusal != nil
    }

    private func changed() {
        let first = firstChange ?? .now
        firstChange = first
        let rest = max(.zero, Self.settleMax - (.now - first))
        settling?.schedule(after: min(Self.settleTime, rest))
    }

    // MARK: - Reading

    private func look() {
        firstChange = nil
        settling?.cancel()
        minutely?.schedule(after: Self.lookInterval)
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
        watchFolders()
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
