// ConsulFeeds: makes the running configuration follow Consul: a prefix of its K/V store, and the
// tags of its services. LiveConfiguration reads what they say together with the program's own
// configuration.

internal import Configuration
internal import Consul
internal import Documents
internal import Events
internal import InstanceSources
internal import Wording

/// The watches of this process and their state. Control thread only.
final class ConsulFeeds {
    /// The configured watches, by source.
    private(set) var feeds: [String: Feed] = [:]
    private let live: LiveConfiguration
    private unowned let loop: EventLoop
    private let log: () -> Log
    private var keys: ConsulKV?
    private var catalog: ConsulCatalog?

    /// How long the last documents stay when all of them vanish at once. Consul restarted empty,
    /// and a token that lost its rights (before Consul 1.11), look just like a prefix that was
    /// deleted.
    static let emptyHold = Duration.seconds(900)
    private var emptyTimers: [String: Timer] = [:]

    private static let keysName = "kv"
    private static let tagsName = "tags"

    /// The watches that `settings` ask for, which feed `live`; nothing is asked before `start`.
    init(
        _ settings: ConsulSettings, agents: ConsulAgents, live: LiveConfiguration,
        on loop: EventLoop, log: @escaping () -> Log
    ) {
        self.live = live
        self.loop = loop
        self.log = log
        if let prefix = settings.kv {
            let keys = ConsulKV(prefix, agents: agents)
            self.keys = keys
            feeds[Self.keysName] = Feed(summary: keys.summary)
        }
        if settings.tags {
            let catalog = ConsulCatalog(agents: agents)
            self.catalog = catalog
            feeds[Self.tagsName] = Feed(summary: catalog.summary)
        }
    }

    /// Begins to ask.
    func start() {
        keys?.start { [unowned self] in handle($0) }
        catalog?.start { [unowned self] in handle($0) }
    }

    /// Stops asking. The last documents stay.
    func stop() {
        for timer in emptyTimers.values { timer.cancel() }
        keys?.stop()
        catalog?.stop()
        live.stop()
    }

    private func handle(_ answer: Result<ConsulKV.Contents, ConsulFailure>) {
        switch answer {
        case .failure(let failure): fail(Self.keysName, failure)
        case .success(let contents):
            var fragments: [ConfigurationFragment] = []
            var problems = contents.omissions.lines
            // A key that ends in a slash is a folder of Consul's own page, and has no value.
            for entry in contents.entries where !entry.key.hasSuffix("/") && !entry.key.isEmpty {
                let name = "kv:\(entry.key)"
                guard let text = String(validating: entry.value, as: UTF8.self) else {
                    problems.append("\(name): found bytes that are not UTF-8, expected YAML")
                    continue
                }
                do throws(ConfigurationFragmentError) {
                    fragments.append(
                        try ConfigurationFragment(key: entry.key, NamedText(name: name, text: text))
                    )
                } catch {
                    problems.append("\(error)")
                }
            }
            answered(Self.keysName, problems: problems)
            set(fragments, from: Self.keysName)
        }
    }

    private func handle(_ answer: Result<ConsulCatalog.Contents, ConsulFailure>) {
        switch answer {
        case .failure(let failure): fail(Self.tagsName, failure)
        case .success(let contents):
            let routes = TagRoutes(contents.tags)
            answered(Self.tagsName, problems: contents.omissions.lines + routes.problems)
            set(routes.fragments, from: Self.tagsName)
        }
    }

    /// Passes on a feed's documents. When all are gone, that is passed on after `emptyHold`.
    private func set(_ fragments: [ConfigurationFragment], from name: String) {
        emptyTimers[name]?.cancel()
        emptyTimers[name] = nil
        guard fragments.isEmpty, live.hasDocuments(from: name) else {
            live.set(fragments, from: name)
            return
        }
        let effect = "what it said last holds for \(Self.emptyHold.spoken)"
        let summary = feeds[name]?.summary ?? name
        feeds[name]?.problems.append("\(summary): it is empty at once; \(effect)")
        log().write(
            .warning, "consul.feed_empty",
            ["feed": summary, "cause": "it is empty at once", "effect": effect])
        let timer = Timer(on: loop) { [unowned self] in live.set([], from: name) }
        timer.schedule(after: Self.emptyHold)
        emptyTimers[name] = timer
    }

    private func answered(_ name: String, problems: [String]) {
        guard var feed = feeds[name] else { return }
        if feed.failure != nil {
            log().write(.info, "consul.feed_recovered", ["feed": feed.summary])
        }
        for problem in problems where !feed.problems.contains(problem) {
            if name == Self.tagsName {
                log().write(.warning, "consul.tag_refused", ["what": problem])
            } else {
                log().write(.warning, "consul.key_refused", ["what": problem])
            }
        }
        feed.lastGoodAt = .now
        feed.failure = nil
        feed.problems = problems
        feeds[name] = feed
    }

    private func fail(_ name: String, _ failure: ConsulFailure) {
        guard var feed = feeds[name] else { return }
        if feed.failure == nil {
            log().write(
                .warning, "consul.feed_failed",
                [
                    "feed": feed.summary, "cause": "\(failure)",
                    "effect": "the configuration stays as it is",
                ])
        }
        feed.failure = "\(failure)"
        feeds[name] = feed
    }
}
