// LiveConfiguration: reads the program's own configuration together with documents that come while
// it runs, from a key/value store or from tags, and applies the whole when it is valid. A document
// that is not valid is replaced by its last valid version or left out. If the whole is still not
// valid, the last good configuration stays. The reasons are kept for the admin port.
//
// | what happens     | what is read                              | what stays when it is refused |
// |------------------|-------------------------------------------|-------------------------------|
// | documents change | the file as last taken up, all documents  | what was good                 |
// | a reload         | the file as it is now, all documents      | what was good, and the file   |
// |                  |                                           | as last taken up              |

internal import CertificateFiles
internal import Configuration
internal import Documents
internal import Events

/// Keeps the running configuration up to date. Control thread only.
final class LiveConfiguration {
    /// Reads the program's own configuration with these documents. Certificates that are given are
    /// not read again.
    typealias Load = (
        ConfigurationOrigin, [ConfigurationFragment], [CertificateSource: CertificateReading]
    ) throws(ConfigurationErrors) -> LoadedConfiguration
    /// Makes a valid configuration the running one; see `RunningConfiguration.apply`.
    typealias Apply = (Configuration) throws(ChangeRefusal) -> ConfigurationChange

    /// Why a configuration was refused.
    struct Refusal: Equatable {
        /// When.
        let at: ContinuousClock.Instant
        /// A line each, with the place in the document and its key; never empty.
        let reasons: [String]
        /// The sources whose documents had changed; `reload` for a reload.
        let sources: [String]
    }

    /// What came of reloads.
    struct Reloads: Equatable {
        /// Reloads that changed what runs.
        var applied = 0
        /// Reloads that found nothing different.
        var unchanged = 0
        /// Reloads that were refused: the last good configuration stayed.
        var refused = 0
        /// Why the last reload was refused; nil when it was not, or there was none.
        var refusal: Refusal?
    }

    /// What came of documents.
    struct Outcome: Equatable {
        /// How often what runs was compared with valid documents, and changed where it differed.
        var applied = 0
        /// How often the last good configuration stayed.
        var refused = 0
        /// Whether some document is refused or left out at present.
        var isRefusing = false
        /// The last refusal, whether or not a good configuration followed; nil for none.
        var lastRefusal: Refusal?
    }

    /// What came of documents.
    private(set) var outcome = Outcome()
    /// What came of reloads.
    private(set) var reloads = Reloads()
    /// Where the running configuration comes from, apart from the documents.
    private(set) var origin: ConfigurationOrigin
    /// The running configuration in full, with the origin of each value; nil until it is known.
    private(set) var effective: EffectiveConfiguration?
    private let load: Load
    private let apply: Apply
    private let certificates: () -> [CertificateSource: CertificateReading]
    private let log: () -> Log
    private var documents = DocumentSet()
    /// The pages and files of users in use: only a reload reads all of them again, as with
    /// certificates.
    private(set) var files: NamedFiles
    private var timer: Timer?

    /// Changes come in bursts, as when a tree of keys is written key by key. They are read together
    /// this long after the first; an endless burst is read at this interval.
    static let delay = Duration.milliseconds(100)

    /// Has no documents yet, and reads nothing before the first ones come or `reload` is called.
    /// `origin` is what the running configuration was made of, and `effective` is that
    /// configuration in full. `certificates` are those in use: only a reload reads their files
    /// again, so that a broken one holds up no change of documents. `log` is called each time,
    /// since its level may change.
    init(
        on loop: EventLoop, origin: ConfigurationOrigin, effective: EffectiveConfiguration? = nil,
        load: @escaping Load = { (origin, fragments, certificates) throws(ConfigurationErrors) in
            try origin.load(fragments, certificates)
        },
        apply: @escaping Apply,
        certificates: @escaping () -> [CertificateSource: CertificateReading] = { [:] },
        files: NamedFiles = NamedFiles(),
        log: @escaping () -> Log
    ) {
        self.files = files
        self.origin = origin
        self.effective = effective
        self.load = load
        self.apply = apply
        self.certificates = certificates
        self.log = log
        timer = Timer(on: loop) { [unowned self] in read() }
    }

    /// Replaces the documents of `source`; an empty list removes them. Don't call it for a source
    /// that is away: its last documents stay. With `problems`, which say why documents can't be
    /// read, the whole is refused.
    func set(
        _ fragments: [ConfigurationFragment], problems: [String] = [], from source: String
    ) {
        let new = SourceDocuments(fragments: fragments, problems: problems)
        guard documents.set(new, from: source) else { return }
        if timer?.isScheduled == false { timer?.schedule(after: Self.delay) }
    }

    /// Has what runs take up these files, which have changed; and look again whether those of
    /// `maintenance` are there.
    func filesChanged(_ new: NamedFiles) {
        files.merge(new)
        if timer?.isScheduled == false { timer?.schedule(after: Self.delay) }
    }

    /// Whether `source` has any documents.
    func hasDocuments(from source: String) -> Bool { documents.hasDocuments(from: source) }

    /// Stops reading documents.
    func stop() {
        timer?.cancel()
    }

    // MARK: - Reading

    /// Reads the file again, and with it the environment and the flags of the start and the
    /// documents as they stand, and makes the whole what runs if it is valid.
    func reload() -> ReloadOutcome {
        let new = origin.readAnew()
        // This reads the documents that wait as well.
        timer?.cancel()
        _ = documents.removeChanges()
        switch applyValid(new, [:]) {
        case .success(let applied):
            origin = new
            recordLeftOut(applied.leftOut, ["reload"])
            reloads.refusal = nil
            let change = applied.change
            guard !change.isEmpty else {
                reloads.unchanged += 1
                log().write(.info, "configuration.unchanged", [:])
                return .unchanged
            }
            reloads.applied += 1
            return .applied(change.lines)
        case .failure(let failure):
            reloads.refused += 1
            reloads.refusal = refuse(failure.reasons, ["reload"])
            return .refused(failure.reasons)
        }
    }

    private func read() {
        var sources = documents.removeChanges()
        if sources.isEmpty { sources = ["files"] }
        var known = origin
        known.files = files
        switch applyValid(known, certificates()) {
        case .success(let applied):
            if applied.leftOut.isEmpty || !applied.change.isEmpty { outcome.applied += 1 }
            recordLeftOut(applied.leftOut, sources)
        case .failure(let failure):
            outcome.refused += 1
            outcome.isRefusing = true
            outcome.lastRefusal = refuse(failure.reasons, sources)
        }
    }

    /// Records why documents are left out, as a refusal; without reasons the refusal is over.
    private func recordLeftOut(_ reasons: [String], _ sources: [String]) {
        outcome.isRefusing = !reasons.isEmpty
        guard outcome.isRefusing, outcome.lastRefusal?.reasons != reasons else { return }
        outcome.refused += 1
        outcome.lastRefusal = refuse(reasons, sources)
    }

    /// Reads `origin` with all documents that are valid, and with certificates that need not be
    /// read, and makes that what runs. Returns what differs, and why documents are left out.
    private func applyValid(
        _ origin: ConfigurationOrigin, _ certificates: [CertificateSource: CertificateReading]
    ) -> Result<(change: ConfigurationChange, leftOut: [String]), DocumentSet.Failure> {
        let valid: DocumentSet.Valid
        switch documents.read({ (fragments) throws(ConfigurationErrors) in
            try load(origin, fragments, certificates)
        }) {
        case .failure(let failure): return .failure(failure)
        case .success(let all): valid = all
        }
        for warning in valid.configuration.warnings {
            log().write(.warning, "configuration.warning", ["cause": "\(warning)"])
        }
        do throws(ChangeRefusal) {
            let change = try apply(valid.configuration.configuration)
            effective = valid.configuration.effective
            files = valid.configuration.configuration.files
            documents.setApplied(valid.fragments)
            return .success((change, valid.leftOut))
        } catch {
            return .failure(DocumentSet.Failure(reasons: error.reasons.map(\.description)))
        }
    }

    private func refuse(_ reasons: [String], _ sources: [String]) -> Refusal {
        for reason in reasons {
            log().write(
                .error, "configuration.refused",
                [
                    "source": sources.joined(separator: ","), "cause": reason,
                    "effect": "what runs stays as it is",
                ])
        }
        return Refusal(at: .now, reasons: reasons, sources: sources)
    }
}
