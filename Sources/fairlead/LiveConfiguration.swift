// LiveConfiguration: documents that come while the program runs, from a key/value store or from tags,
// are read together with its own configuration, as one, and applied when the whole is valid. If it is
// not, the last good one stays, and the reasons are kept for whoever looks.

import Configuration
import Events

/// Keeps the running configuration up to date with documents from elsewhere. Control thread only.
final class LiveConfiguration {
    /// Reads the program's own configuration with these documents.
    typealias Load = ([Addition]) throws(ConfigurationErrors) -> LoadedConfiguration
    /// Makes a valid configuration the running one; see `ControlPlane.apply`.
    typealias Apply = (Configuration) throws(ChangeRefusal) -> ConfigurationChange

    /// Why a configuration was not taken up.
    struct Refusal: Equatable {
        /// When.
        let at: ContinuousClock.Instant
        /// A line each, with the place in the document and its key; never empty.
        let reasons: [String]
        /// Whose documents had changed.
        let sources: [String]
    }

    /// The last refusal, whether or not a good configuration followed; nil for none.
    private(set) var lastRefusal: Refusal?
    /// Whether what runs is not what the documents say.
    private(set) var isRefusing = false
    /// How often what runs was compared with valid documents, and changed where it differed.
    private(set) var applied = 0
    /// How often the last good configuration stayed.
    private(set) var refused = 0

    private let load: Load
    private let apply: Apply
    private let log: () -> Log
    /// By source.
    private var documents: [String: Said] = [:]
    /// Sources whose documents have changed since they were read last.
    private var changed: Set<String> = []
    private var timer: Timer?

    private struct Said: Equatable {
        var additions: [Addition]
        /// Why some can't even be read; then none of anybody's is taken up.
        var problems: [String]
    }

    /// Changes come in bursts, as when a tree of keys is written key by key: they are read together
    /// this long after the first. A burst without end is read as often.
    static let delay = Duration.milliseconds(100)

    /// Without documents so far; nothing is read before the first ones come. `log` is asked for each
    /// time, since its level may change.
    init(
        on loop: EventLoop, load: @escaping Load, apply: @escaping Apply,
        log: @escaping () -> Log
    ) {
        self.load = load
        self.apply = apply
        self.log = log
        timer = Timer(on: loop) { [unowned self] in read() }
    }

    /// Makes `documents` all that `source` says, in the place of what it said before; none if it says
    /// nothing any more. A source that is away says nothing new: its last documents stay. With
    /// `problems`, which say why there are documents that can't be read, the whole is refused.
    func set(_ documents: [Addition], problems: [String] = [], from source: String) {
        let new = Said(additions: documents, problems: problems)
        let none = Said(additions: [], problems: [])
        guard new != self.documents[source, default: none] else { return }
        self.documents[source] = new == none ? nil : new
        changed.insert(source)
        if timer?.isScheduled == false { timer?.schedule(after: Self.delay) }
    }

    /// Whether `source` says anything.
    func hasDocuments(from source: String) -> Bool {
        documents[source]?.additions.isEmpty == false
    }

    /// Stops reading.
    func stop() {
        timer?.cancel()
    }

    private func read() {
        let sources = changed.sorted()
        changed = []
        // In the order of their names, so that the same documents always make the same whole.
        let all = documents.sorted { $0.key < $1.key }.map(\.value)
        let problems = all.flatMap(\.problems)
        guard problems.isEmpty else { return refuse(problems, sources) }
        do throws(ConfigurationErrors) {
            let loaded = try load(all.flatMap(\.additions))
            for warning in loaded.warnings {
                log().write(.warning, "configuration.warning", ["what": "\(warning)"])
            }
            do throws(ChangeRefusal) {
                _ = try apply(loaded.configuration)
                applied += 1
                isRefusing = false
            } catch {
                refuse(error.reasons.map(\.description), sources)
            }
        } catch {
            refuse("\(error)".split(separator: "\n").map(String.init), sources)
        }
    }

    private func refuse(_ reasons: [String], _ sources: [String]) {
        lastRefusal = Refusal(at: .now, reasons: reasons, sources: sources)
        refused += 1
        isRefusing = true
        for reason in reasons {
            log().write(
                .warning, "configuration.refused",
                ["source": sources.joined(separator: ","), "reason": reason])
        }
    }
}
