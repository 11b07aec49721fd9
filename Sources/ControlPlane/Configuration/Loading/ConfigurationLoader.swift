// From texts to a configuration: flags over environment over file over defaults, every problem
// kept. `Loading` holds what has been read so far; its extensions read the file and check the
// whole.

package import CertificateFiles
package import Documents
package import Endpoints
internal import Traffic
internal import Wording

/// A configuration and what was odd about it.
package struct LoadedConfiguration: Sendable {
    /// What was read, with every default filled in; it has passed every check.
    package let configuration: Configuration
    /// Likely mistakes that hinder nothing: unknown variables, unused services, slow checks.
    package let warnings: [ConfigurationProblem]
    /// The configuration as a text, with where each value is from.
    package let effective: EffectiveConfiguration
    /// A service with nothing but defaults: it has no name and no source.
    package let serviceDefaults: Service
}

/// The addresses of a name to listen on, at least one; or why there is none, as a sentence part.
/// May block.
package typealias HostLookup = (String) -> Result<[IPAddress], NoSuchHost>

/// Why a name can't be listened on.
package struct NoSuchHost: Error, Equatable, Sendable {
    /// What was found and what to do about it.
    package let text: String

    /// A host that has no address, for the reason in `text`.
    package init(_ text: String) {
        self.text = text
    }
}

/// What a configuration is loaded for.
package enum ConfigurationPurpose: Sendable {
    /// To be served: it is a mistake that nothing listens.
    case serving
    /// To look something up.
    case lookup
    /// To read keys of Consul, whatever services say.
    case readingKeys
    /// To register containers: Docker's engine and Consul's agents are asked, whatever services
    /// say.
    case registering
}

/// Makes configurations.
package enum ConfigurationLoader {
    /// Reads and checks everything. Without `file` the one that `--config` or `FAIRLEAD_CONFIG`
    /// names is read from disk (control thread only then); without those there is no file, and
    /// environment and flags have to do. `processorCount` is what `workers: auto` means.
    ///
    /// `--listen` with `--service` or `--backend`, or the variables of the same names, make one
    /// listener and one service beside those of the file, and `fragments` more: nothing of the file
    /// is dropped without a message. A source by flag replaces one by environment. Options of
    /// services and listeners set by environment are defaults (`defaults.…`), so what one service
    /// says for itself still wins.
    ///
    /// Names to listen on are looked up by `findHost`, which may block, or says why there is no
    /// such address of this machine; only `localhost` is known without it.
    ///
    /// Sources of certificates that `certificates` has are not read again, nor are `files`, which
    /// are there by their paths.
    ///
    /// `purpose` says what it must have: a listener, or nothing.
    /// - Throws: everything that is wrong.
    package static func load(
        file: NamedText? = nil, environment: [String: String] = [:],
        overrides: Overrides = Overrides(), fragments: [ConfigurationFragment] = [],
        processorCount: Int,
        for purpose: ConfigurationPurpose = .serving, findHost: HostLookup? = nil,
        certificates: [CertificateSource: CertificateReading] = [:],
        files: NamedFiles = NamedFiles()
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        var loading = Loading(environment: environment, overrides: overrides, processorCount)
        loading.purpose = purpose
        loading.findHost = findHost
        loading.knownCertificates = certificates
        loading.knownFiles = files
        loading.warnAboutUnknownVariables()
        loading.applyOverrides(OptionTable.commandLine)
        loading.readFile(file, fragments)
        loading.addDirect()
        loading.add(fragments)
        loading.readConsulVariables()
        loading.readDockerVariables()
        loading.readTraceVariables()
        loading.findListenAddresses()
        loading.validate()
        return try loading.result()
    }
}

/// A configuration being loaded.
struct Loading {
    let environment: [String: String]
    let overrides: Overrides
    var draft: Draft
    /// Where options of `OptionTable.file` and `.commandLine` were given, by key.
    var given: [String: Origin] = [:]
    var services: [Entry<Service>] = []
    var listeners: [Entry<Listener>] = []
    var errors = ProblemList()
    var warnings = ProblemList()
    /// Finds the addresses of names to listen on.
    var findHost: HostLookup?
    /// Sources of certificates that need not be read, and what they have.
    var knownCertificates: [CertificateSource: CertificateReading] = [:]
    /// Pages and files of users that need not be read.
    var knownFiles = NamedFiles()
    /// Files that could not be read, which is reported once for each.
    var brokenFiles: Set<String> = []
    /// Whether the share of traces that are recorded is what variables of OpenTelemetry imply, and
    /// no option or sampler says it.
    var isSampleAssumed = false
    /// What it is for.
    var purpose = ConfigurationPurpose.serving
    /// Whether anything asks for a listener, well or badly.
    var hasListeners = false
    /// Whether services are written in a way that can't be read, so that no missing service is
    /// reported.
    var hasUnreadServices = false
    /// False when the file's structure is unknown, so that nothing missing is reported.
    var isComplete = true

    init(environment: [String: String], overrides: Overrides, _ processorCount: Int) {
        // An empty variable is an unset one: compose files can only empty them.
        self.environment = environment.filter { name, value in
            (name.hasPrefix("FAIRLEAD_") || name.hasPrefix("CONSUL_HTTP_")
                || name.hasPrefix(Self.traceVariablePrefix)
                || Self.registryVariables.contains(name))
                && !value.isEmpty
                && !ServiceLink.isOne(name, value)
        }
        self.overrides = overrides
        draft = Draft(processorCount: processorCount)
    }

    /// The result.
    func result() throws(ConfigurationErrors) -> LoadedConfiguration {
        guard errors.isEmpty else {
            throw ConfigurationErrors(
                problems: errors.sorted, omittedCount: errors.omittedCount,
                logFormat: draft.configuration.log.format)
        }
        var configuration = draft.configuration
        configuration.services = services.map(\.value)
        configuration.listeners = listeners.flatMap(\.listeners)
        return LoadedConfiguration(
            configuration: configuration, warnings: warnings.sorted,
            effective: EffectiveConfiguration(
                draft: draft, services: services, listeners: listeners, given: given),
            serviceDefaults: draft.service)
    }

    // MARK: Environment and flags

    mutating func warnAboutUnknownVariables() {
        guard !environment.isEmpty else { return }
        let known = (OptionTable.commandLine + OptionTable.file).map(\.environmentName)
        for name in environment.keys.sorted()
        where name.hasPrefix("FAIRLEAD_") && !known.contains(name) {
            let hint = nearest(to: name, among: known).map { ", expected \($0)?" } ?? ""
            let shown = isName(name) ? name : quoted(name)
            warnings.add("unknown variable, ignored\(hint)", at: .environment(shown))
        }
    }

    /// Applies the environment, then the flags, to `options`.
    /// - Returns: the keys that got a value, with where it is from.
    @discardableResult
    mutating func applyOverrides(_ options: [Option<Draft>]) -> [String: Origin] {
        var applied: [String: Origin] = [:]
        for option in options {
            let variable = option.environmentName
            if let text = environment[variable] {
                let origin = Origin.environment(variable)
                if apply(option, [text], origin) { applied[option.key] = origin }
            }
            if let flag = option.flag, let last = overrides[flag].last {
                let texts = option.isList ? overrides[flag] : [last]
                if apply(option, texts, .flag(flag)) { applied[option.key] = .flag(flag) }
            }
        }
        given.merge(applied) { $1 }
        return applied
    }

    private mutating func apply(_ option: Option<Draft>, _ texts: [String], _ origin: Origin)
        -> Bool
    {
        var texts = texts
        if option.isList { texts = texts.flatMap(Self.items) }
        return option.apply(texts, to: &draft, &errors) { _ in origin }
    }

    /// The values of a list that is written as one text: with commas or line ends between them,
    /// blanks around them, and perhaps a comma behind the last one. An empty place between two
    /// commas is a missing value.
    private static func items(of text: String) -> [String] {
        var pieces = text.split(separator: ",", omittingEmptySubsequences: false).map(lines)
        if pieces.count > 1, pieces.last == [""] { pieces.removeLast() }
        return pieces.flatMap(\.self)
    }

    /// The lines of `text` that are not empty, without blanks around them; a single empty one if
    /// there is none.
    private static func lines(of text: Substring) -> [String] {
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            let start = line.drop(while: \.isWhitespace)
            return String(start.reversed().drop(while: \.isWhitespace).reversed())
        }
        let full = lines.filter { !$0.isEmpty }
        return full.isEmpty ? [""] : full
    }

    // MARK: The listener of flags and environment

    /// Adds the listener and service that flags or environment make, if they do.
    mutating func addDirect() {
        var sources: [(key: String, origin: Origin)] = []
        for key in Self.directSources {
            if let origin = given[key] { sources.append((key, origin)) }
        }
        let flags = sources.filter { if case .flag = $0.origin { true } else { false } }
        if !flags.isEmpty { sources = flags }

        hasListeners = hasListeners || hasText(for: "listen") || !sources.isEmpty
        guard let listen = draft.commandLine.listen, let listenOrigin = given["listen"] else {
            // A bad --listen has been reported; the other flags are not to blame for it.
            if purpose == .serving, !hasText(for: "listen") {
                for origin in sources.map(\.origin) + [given["mode"]].compactMap({ $0 }) {
                    errors.add(
                        "found no address to listen on, expected --listen or FAIRLEAD_LISTEN as "
                            + "well",
                        at: origin)
                }
            }
            return
        }
        var listener = Entry(value: draft.listener, origin: listenOrigin)
        listener.value.name = overrides[.listen].last ?? environment["FAIRLEAD_LISTEN"] ?? ""
        listener.value.place = listen
        listener.value.mode = draft.commandLine.mode ?? .http
        listener.given["listen"] = listenOrigin
        for (key, origin) in sources {
            listener.hasSource = true
            switch key {
            case "service":
                listener.srv = draft.commandLine.srv
                listener.given["srv"] = origin
            case "consul":
                listener.consul = draft.commandLine.consul
                listener.given["consul"] = origin
            default:
                listener.backends = draft.commandLine.backends.map { Service.StaticBackend($0) }
                listener.given["backends"] = origin
                if Set(draft.commandLine.backends).count < draft.commandLine.backends.count {
                    errors.add("found a backend twice, expected each once", at: origin)
                }
            }
        }
        let isGivenBadly = sources.isEmpty && Self.directSources.contains { hasText(for: $0) }
        let mayBeWithout = mayGetRoutes && listener.value.mode == .http
        if sources.isEmpty, !isGivenBadly, !mayBeWithout {
            errors.add(
                "found a listener without service, expected --service, --consul or --backend "
                    + "(FAIRLEAD_SERVICE, FAIRLEAD_CONSUL or FAIRLEAD_BACKEND) as well",
                at: listenOrigin)
        }
        listener.hasSource = !sources.isEmpty || !mayBeWithout
        addListener(listener)
    }

    /// Whether routes may come while the program runs, so that a listener can begin with none.
    var mayGetRoutes: Bool {
        draft.configuration.consul.kv != nil || draft.configuration.consul.tags
            || draft.configuration.docker.routes
    }

    /// Options that name that listener's instances.
    private static let directSources = ["service", "consul", "backend"]

    private func hasText(for key: String) -> Bool {
        OptionTable.commandLine.contains { option in
            option.key == key
                && (environment[option.environmentName] != nil
                    || option.flag.map { !overrides[$0].isEmpty } ?? false)
        }
    }
}
