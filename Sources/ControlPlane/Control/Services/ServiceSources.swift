// ServiceSources: passes the answers of a service's sources to its roster, without instances that
// are this process itself. Keeps good answers for the next process, which begins with them if its
// sources fail from the start.

internal import Backends
internal import Endpoints
internal import InstanceSources

/// The sources of one service. Control thread only.
final class ServiceSources {
    /// The sources in the order of fail-over, which is their place on the roster.
    private(set) var all: [any Source]
    /// Whether they are asked.
    private(set) var isRunning = false
    /// Called after each answer.
    var onAnswer: () -> Void = {}
    private let name: String
    private let roster: Roster
    private let surroundings: ServiceSurroundings
    /// What was odd about the last answer of each source, by its place.
    private var findings: [Int: [String]] = [:]
    private var leftOutByPlace: [Int: [LeftOut]] = [:]
    /// Members of each source whose process is over, and how it ended, by its place.
    private var endings: [Int: Set<String>] = [:]

    /// An instance that is no backend.
    struct LeftOut: Equatable, CustomStringConvertible {
        /// Where it is.
        let endpoint: Endpoint
        /// Why, as a phrase.
        let why: String
        /// A sentence without its end.
        var description: String { "\(endpoint) is left out: \(why)" }
    }

    /// Sources that feed `roster`, the backends of the service `name`; nothing is asked yet.
    init(
        _ sources: [any Source], of name: String, _ roster: Roster,
        in surroundings: ServiceSurroundings
    ) {
        all = sources
        self.name = name
        self.roster = roster
        self.surroundings = surroundings
    }

    /// Instances of the last answers that are left out, since they are this process itself.
    var leftOut: [LeftOut] { leftOutByPlace.sorted { $0.key < $1.key }.flatMap(\.value) }

    /// Starts to ask.
    func start() {
        isRunning = true
        ask()
    }

    /// Stops asking. The roster keeps the last answers.
    func stop() {
        isRunning = false
        for source in all { source.stop() }
    }

    /// Replaces the sources. Backends that old and new ones name are kept.
    func replace(with sources: [any Source]) {
        for source in all { source.stop() }
        all = sources
        leftOutByPlace = [:]
        endings = [:]
        roster.sourcesChanged(places: sources.count, now: .now)
        if isRunning { ask() }
    }

    private func ask() {
        for (place, source) in all.enumerated() {
            let key = AnswerMemory.Key(service: name, source: source.summary)
            source.start { [unowned self] answer in
                let answer = withoutOwn(answer, at: place)
                remember(answer, of: key, at: place)
                // Meanwhile another source may have this place.
                let isCurrent = all.indices.contains(place)
                roster.apply(
                    answer, from: place, stands: isCurrent && all[place].answersStand,
                    isDeliberate: isCurrent && all[place].isDeliberate,
                    critical: isCurrent ? all[place].findings.critical : [],
                    withdrawn: isCurrent ? all[place].findings.withdrawn : [:], now: .now)
                journalFindings(of: source, at: place)
                if case .instances = answer { journalEndings(source.findings, at: place) }
                onAnswer()
            }
        }
    }

    /// Journals what has become odd about a source's answers, and when that is over.
    private func journalFindings(of source: any Source, at place: Int) {
        let found = source.findings
        guard found.kinds != findings[place, default: []] else { return }
        findings[place] = found.kinds
        let text =
            found.sentences.isEmpty
            ? "nothing is odd any more"
            : found.sentences
                .joined(separator: "; ")
        roster.sourceNoted(text, from: place, now: .now)
    }

    /// Journals how processes of the service ended, except those that had when it began.
    private func journalEndings(_ found: SourceFindings, at place: Int) {
        let all = Set(found.idle.filter(\.hasEnded).map { "\($0.name): \($0.reason)" })
        if let known = endings[place] {
            for ending in all.subtracting(known).sorted() {
                roster.sourceNoted(ending, from: place, now: .now)
            }
        }
        endings[place] = all
    }

    /// The answer without instances that are this process itself.
    private func withoutOwn(_ answer: DiscoveryAnswer, at place: Int) -> DiscoveryAnswer {
        guard case .instances(let instances) = answer else { return answer }
        var out: [LeftOut] = []
        let objection = surroundings.objections(name)
        for instance in instances {
            guard let why = objection(instance.endpoint) else { continue }
            let left = LeftOut(endpoint: instance.endpoint, why: why)
            if !out.contains(left) { out.append(left) }
        }
        if out != leftOutByPlace[place, default: []] {
            leftOutByPlace[place] = out
            for left in out { surroundings.journal.write(note: "\(name): \(left)", at: .now) }
        }
        guard !out.isEmpty else { return answer }
        let own = Set(out.map(\.endpoint))
        return .instances(instances.filter { !own.contains($0.endpoint) })
    }

    /// Keeps a good answer for the next process; begins with that of the last one if the source
    /// fails from the start.
    private func remember(_ answer: DiscoveryAnswer, of key: AnswerMemory.Key, at place: Int) {
        guard let stateFile = surroundings.stateFile else { return }
        let failure: DiscoveryFailure
        switch answer {
        case .instances(let instances) where !instances.isEmpty:
            stateFile.remember(instances, of: key)
            return
        case .instances: failure = .nodata
        case .failure(let why): failure = why
        }
        guard roster.sources[place].lastGoodAnswer == nil,
            let (instances, age) = stateFile.recall(key)
        else { return }
        let objection = surroundings.objections(name)
        let others = instances.filter { objection($0.endpoint) == nil }
        roster.recall(others, age: age, for: failure, from: place, now: .now)
    }
}
