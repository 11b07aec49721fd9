// LiveConfiguration: the program's own configuration, and documents that come while it runs (from a
// key/value store or from tags), read together as one, and applied when the whole is valid. A
// document that is not valid says what it said when it last was, or nothing, and keeps none of the
// others back. If the whole is not valid even so, the last good one stays. The reasons are kept for
// whoever looks.
//
// | what happens     | what is read                                    | when it is refused, it stays with |
// |------------------|-------------------------------------------------|-----------------------------------|
// | documents change | the file as it was taken up last, all documents | what was good                     |
// | a reload         | the file as it is now, all documents            | the same, and the file of before  |

internal import Configuration
internal import Documents
internal import Events

/// Keeps the running configuration up to date. Control thread only.
final class LiveConfiguration {
    /// Reads the program's own configuration with these documents.
    typealias Load = (ConfigurationOrigin, [ConfigurationFragment]) throws(ConfigurationErrors) ->
        LoadedConfiguration
    /// Makes a valid configuration the running one; see `RunningConfiguration.apply`.
    typealias Apply = (Configuration) throws(ChangeRefusal) -> ConfigurationChange

    /// Why a configuration was not taken up.
    struct Refusal: Equatable {
        /// When.
        let at: ContinuousClock.Instant
        /// A line each, with the place in the document and its key; never empty.
        let reasons: [String]
        /// Whose documents had changed; `reload` for a reload.
        let sources: [String]
    }

    /// How often what came to what.
    struct Counts: Equatable {
        var applied = 0
        var unchanged = 0
        var refused = 0
    }

    /// The last refusal of documents, whether or not a good configuration followed; nil for none.
    private(set) var lastRefusal: Refusal?
    /// Whether what runs is not what the documents say, or not what each of them does.
    private(set) var isRefusing = false
    /// How often what runs was compared with valid documents, and changed where it differed.
    private(set) var applied = 0
    /// How often the last good configuration stayed.
    private(set) var refused = 0
    /// What came of reloads.
    private(set) var reloads = Counts()
    /// Why the last reload was refused; nil when it was not, or there was none.
    private(set) var reloadRefusal: Refusal?

    /// What runs is made of this, and of the documents.
    private(set) var origin: ConfigurationOrigin
    /// What runs as a text, with where each value is from; nil until that is known.
    private(set) var effective: EffectiveConfiguration?
    private let load: Load
    private let apply: Apply
    private let log: () -> Log
    /// By source.
    private var documents: [String: Said] = [:]
    /// Sources whose documents have changed since they were read last.
    private var changed: Set<String> = []
    private var timer: Timer?
    /// Each document as it was when it was taken up last, by its name.
    private var taken: [String: ConfigurationFragment] = [:]

    /// How often documents are left out of one reading: each time takes at least one, and shows
    /// what is wrong without it.
    private static let leaveOutsMax = 16

    private struct Said: Equatable {
        var fragments: [ConfigurationFragment]
        /// Why some can't even be read; then none of anybody's is taken up.
        var problems: [String]
    }

    /// Changes come in bursts, as when a tree of keys is written key by key: they are read together
    /// this long after the first. A burst without end is read as often.
    static let delay = Duration.milliseconds(100)

    /// Without documents so far; nothing is read before the first ones come, or `reload`. `origin`
    /// is what the running configuration was made of, and `effective` says it in full. `log` is
    /// asked for each time, since its level may change.
    init(
        on loop: EventLoop, origin: ConfigurationOrigin, effective: EffectiveConfiguration? = nil,
        load: @escaping Load = { (origin, fragments) throws(ConfigurationErrors) in
            try origin.load(fragments)
        },
        apply: @escaping Apply, log: @escaping () -> Log
    ) {
        self.origin = origin
        self.effective = effective
        self.load = load
        self.apply = apply
        self.log = log
        timer = Timer(on: loop) { [unowned self] in read() }
    }

    /// Makes `documents` all that `source` says, in the place of what it said before; none if it
    /// says nothing any more. A source that is away says nothing new: its last documents stay. With
    /// `problems`, which say why there are documents that can't be read, the whole is refused.
    func set(_ documents: [ConfigurationFragment], problems: [String] = [], from source: String) {
        let new = Said(fragments: documents, problems: problems)
        let none = Said(fragments: [], problems: [])
        guard new != self.documents[source, default: none] else { return }
        self.documents[source] = new == none ? nil : new
        changed.insert(source)
        if timer?.isScheduled == false { timer?.schedule(after: Self.delay) }
    }

    /// Whether `source` says anything.
    func hasDocuments(from source: String) -> Bool {
        documents[source]?.fragments.isEmpty == false
    }

    /// Stops reading documents.
    func stop() {
        timer?.cancel()
    }

    // MARK: - Reading

    /// Reads the file again, and with it the environment and the flags of the start and the
    /// documents as they stand, and makes the whole what runs if it is valid.
    func reload() -> ReloadOutcome {
        let new = origin.readAnew()
        // Documents that wait to be read are read by this.
        timer?.cancel()
        changed = []
        switch take(new) {
        case .success(let taken):
            origin = new
            noteLeftOut(taken.leftOut, ["reload"])
            reloadRefusal = nil
            let change = taken.change
            guard !change.isEmpty else {
                reloads.unchanged += 1
                log().write(.info, "configuration.unchanged", [:])
                return .unchanged
            }
            reloads.applied += 1
            return .applied(change.lines)
        case .failure(let failure):
            reloads.refused += 1
            reloadRefusal = refuse(failure.reasons, ["reload"])
            return .refused(failure.reasons)
        }
    }

    private func read() {
        let sources = changed.sorted()
        changed = []
        switch take(origin) {
        case .success(let taken):
            if taken.leftOut.isEmpty || !taken.change.isEmpty { applied += 1 }
            noteLeftOut(taken.leftOut, sources)
        case .failure(let failure):
            refused += 1
            isRefusing = true
            lastRefusal = refuse(failure.reasons, sources)
        }
    }

    /// Keeps why documents are left out, as of a refusal; none ends one.
    private func noteLeftOut(_ reasons: [String], _ sources: [String]) {
        isRefusing = !reasons.isEmpty
        guard isRefusing, lastRefusal?.reasons != reasons else { return }
        refused += 1
        lastRefusal = refuse(reasons, sources)
    }

    private struct Failure: Error {
        let reasons: [String]
    }

    /// What was taken up.
    private struct Taken {
        let change: ConfigurationChange
        /// Why documents are left out, or stand as they were before, a line each.
        let leftOut: [String]
    }

    /// Reads `origin` with all documents, and applies what comes of it.
    private func take(_ origin: ConfigurationOrigin) -> Result<Taken, Failure> {
        let loaded: LoadedConfiguration
        var documents: [ConfigurationFragment]
        var leftOut: [String]
        switch loadWhatIsValid(origin) {
        case .failure(let failure): return .failure(failure)
        case .success(let valid): (loaded, documents, leftOut) = valid
        }
        for warning in loaded.warnings {
            log().write(.warning, "configuration.warning", ["cause": "\(warning)"])
        }
        do throws(ChangeRefusal) {
            let change = try apply(loaded.configuration)
            effective = loaded.effective
            taken = Dictionary(documents.map { ($0.document.name, $0) }) { first, _ in first }
            return .success(Taken(change: change, leftOut: leftOut))
        } catch {
            return .failure(Failure(reasons: error.reasons.map(\.description)))
        }
    }

    /// Reads `origin` with all documents that are valid with the others; one that is not stands as
    /// it was when it was taken up last, or is left out.
    private func loadWhatIsValid(
        _ origin: ConfigurationOrigin
    ) -> Result<(LoadedConfiguration, [ConfigurationFragment], leftOut: [String]), Failure> {
        // In the order of their names, so that the same documents always make the same whole.
        let all = documents.sorted { $0.key < $1.key }.map(\.value)
        let problems = all.flatMap(\.problems)
        guard problems.isEmpty else { return .failure(Failure(reasons: problems)) }
        var fragments = all.flatMap(\.fragments)
        var leftOut: [String] = []
        for _ in 0..<Self.leaveOutsMax {
            do throws(ConfigurationErrors) {
                return .success((try load(origin, fragments), fragments, leftOut))
            } catch {
                let lines = "\(error)".split(separator: "\n").map(String.init)
                leftOut += lines
                let odd = Set(error.problems.map(\.document))
                let names = Set(fragments.map(\.document.name))
                // What is wrong outside of the documents is not mended by leaving some out.
                guard odd.allSatisfy({ $0.map(names.contains) ?? false }) else {
                    return .failure(Failure(reasons: lines))
                }
                fragments = fragments.compactMap { fragment in
                    guard odd.contains(fragment.document.name) else { return fragment }
                    let before = taken[fragment.document.name]
                    return before == fragment ? nil : before
                }
            }
        }
        return .failure(Failure(reasons: leftOut))
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
