// Variables of OpenTelemetry's programs (its specification, "Environment Variable Specification"
// and "OpenTelemetry Protocol Exporter"): an endpoint among them switches tracing on, unless an
// option of our own says otherwise. A value that can't be used is warned of and ignored, as that
// document has it; so is what other programs read and Fairlead does not have.

internal import Documents
internal import Traffic
internal import Wording

extension Loading {
    /// What the names of all of these variables begin with.
    static let traceVariablePrefix = "OTEL_"

    /// Reads the variables where no option of ours says it. Those that say how a collector is
    /// reached count with an endpoint of theirs alone: a key is for nobody but whom it was made
    /// for.
    mutating func readTraceVariables() {
        guard purpose == .serving else { return }
        let isTheirs = given["traces.to"] == nil
        if isTheirs {
            guard readCollector() else { return }
        } else {
            guard draft.configuration.traces.to != .off else { return }
            if isSDKDisabled() {
                warnings.add(
                    "no effect: traces.to switches tracing on; say off there",
                    at: .environment("OTEL_SDK_DISABLED"))
                return
            }
        }
        readSampler()
        readPropagators()
        guard case .collector = draft.configuration.traces.to else { return }
        readResource()
        warnOfIdleVariables(isTheirs: isTheirs)
    }

    // MARK: - Pieces

    /// Warns of the value of the variable `name`, which is not used.
    private mutating func ignore(_ name: String, _ text: String) {
        warnings.add("\(text): ignored", at: .environment(name))
    }

    /// Takes `texts`, which the variable `name` says, for the option `key`, unless an option of
    /// ours says it.
    private mutating func take(_ texts: [String], for key: String, from name: String) {
        guard given[key] == nil, let option = OptionTable.file.first(where: { $0.key == key })
        else { return }
        var problems = ProblemList()
        let origin = Origin.environment(name)
        if option.apply(texts, to: &draft, &problems, origin: { _ in origin }) {
            given[key] = origin
        } else {
            for problem in problems.sorted { ignore(name, problem.text) }
        }
    }

    /// The first of these variables that is set: that of traces before that of all signals.
    private func exporterVariable(_ suffix: String) -> (name: String, text: String)? {
        for name in ["OTEL_EXPORTER_OTLP_TRACES_\(suffix)", "OTEL_EXPORTER_OTLP_\(suffix)"] {
            if let text = environment[name] { return (name, text) }
        }
        return nil
    }

    /// Whether OTEL_SDK_DISABLED switches all of it off: by `true` alone, in any case.
    private mutating func isSDKDisabled() -> Bool {
        let name = "OTEL_SDK_DISABLED"
        switch environment[name]?.lowercased() {
        case "true": return true
        case nil, "false": return false
        case let text?:
            ignore(name, "found \(quoted(text)), expected true or false")
            return false
        }
    }

    /// The words of a list, in small letters.
    private static func words(_ text: String) -> [String] {
        text.split(separator: ",").map { word in
            word.filter { $0 != " " && $0 != "\t" }.lowercased()
        }.filter { !$0.isEmpty }
    }

    // MARK: - The collector

    /// Finds the collector that the variables name.
    /// - Returns: whether there is one, and nothing says that it gets no spans.
    private mutating func readCollector() -> Bool {
        let exporters = environment["OTEL_TRACES_EXPORTER"].map(Self.words) ?? []
        guard exporterVariable("ENDPOINT") != nil || exporters.contains("otlp"),
            !isSDKDisabled(), exporters != ["none"]
        else { return false }
        let unknown = exporters.filter { $0 != "otlp" && $0 != "none" }
        if !unknown.isEmpty {
            ignore(
                "OTEL_TRACES_EXPORTER",
                "found \(quoted(unknown.joined(separator: ","))), expected otlp or none")
        }
        guard speaksProtocol(), let (url, name) = readEndpoint() else { return false }
        draft.configuration.traces.to = .collector(url)
        given["traces.to"] = .environment(name)
        if given["traces.sample"] == nil {
            // Programs that these variables switch on record each trace unless a sampler says less.
            draft.configuration.traces.policy.sample = 1_000_000
            given["traces.sample"] = .environment(name)
            isSampleAssumed = true
        }
        readConnection(isSecure: url.isSecure)
        return true
    }

    /// Whether the collector can be spoken to as the variables want it.
    private mutating func speaksProtocol() -> Bool {
        guard let (name, text) = exporterVariable("PROTOCOL") else { return true }
        switch text {
        case "http/json": break
        case "http/protobuf":
            warnings.add(
                "found http/protobuf: spans go as http/json, which collectors take at the same URL",
                at: .environment(name))
        case "grpc":
            warnings.add(
                "found grpc, expected http/json: no spans are sent, since what listens there "
                    + "speaks no HTTP/1.1; name the collector's port for HTTP, 4318 unless told, "
                    + "in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, and say http/json in "
                    + "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", at: .environment(name))
            return false
        default: ignore(name, "found \(quoted(text)), expected http/json")
        }
        return true
    }

    /// Where spans go, and which variable says so; nil for nowhere.
    private mutating func readEndpoint() -> (CollectorURL, name: String)? {
        var isNamed = false
        for name in ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
            guard let text = environment[name] else { continue }
            isNamed = true
            let isBase = name == "OTEL_EXPORTER_OTLP_ENDPOINT"
            guard let url = isBase ? CollectorURL(base: text) : CollectorURL(text) else {
                ignore(
                    name,
                    "found \(quoted(text)), expected the URL of a collector, such as "
                        + "http://127.0.0.1:4318")
                continue
            }
            if url.port == 4317, exporterVariable("PROTOCOL") == nil {
                warnings.add(
                    "found port 4317, where collectors mostly speak gRPC: spans go by HTTP, which "
                        + "they mostly take at 4318", at: .environment(name))
            }
            return (url, name)
        }
        guard !isNamed, let url = CollectorURL(base: "http://localhost:4318") else { return nil }
        return (url, "OTEL_TRACES_EXPORTER")
    }

    /// Reads how the collector is spoken to.
    private mutating func readConnection(isSecure: Bool) {
        if let (name, text) = exporterVariable("HEADERS") {
            do throws(BaggageError) {
                let pairs = try BaggageList.read(text)
                take(pairs.map { "\($0.key): \($0.value)" }, for: "traces.headers", from: name)
            } catch {
                ignore(name, error.text)
            }
        }
        if let (name, text) = exporterVariable("TIMEOUT") {
            if Units.digits(text) == nil {
                ignore(name, "found \(quoted(text)), expected milliseconds, such as 10000")
            } else {
                take(["\(text)ms"], for: "traces.timeout", from: name)
            }
        }
        if isSecure, let (name, text) = exporterVariable("CERTIFICATE") {
            take([text], for: "traces.ca-file", from: name)
        }
    }

    // MARK: - What is recorded, and what spans say

    private mutating func readSampler() {
        let name = "OTEL_TRACES_SAMPLER"
        guard let text = environment[name], isSampleAssumed || given["traces.sample"] == nil else {
            return
        }
        let isByParent = text.hasPrefix("parentbased_")
        let share: Int
        switch text {
        case "always_on", "parentbased_always_on": share = 1_000_000
        case "always_off", "parentbased_always_off": share = 0
        case "traceidratio", "parentbased_traceidratio": share = ratio()
        default:
            ignore(
                name,
                "found \(quoted(text)), expected always_on, always_off or traceidratio, or one of "
                    + "these behind parentbased_")
            return
        }
        draft.configuration.traces.policy.sample = share
        given["traces.sample"] = .environment(name)
        guard given["traces.follow-parents"] == nil else { return }
        draft.configuration.traces.policy.followsParents = isByParent
        given["traces.follow-parents"] = .environment(name)
    }

    /// The share that the sampler's argument says, in millionths; all, unless it can be read.
    private mutating func ratio() -> Int {
        let (name, whole) = ("OTEL_TRACES_SAMPLER_ARG", 1_000_000)
        guard let text = environment[name] else { return whole }
        guard let ratio = Double(text), (0...1).contains(ratio) else {
            ignore(name, "found \(quoted(text)), expected a number from 0 to 1, such as 0.01")
            return whole
        }
        return ratio > 0 ? max(1, Int((ratio * Double(whole)).rounded())) : 0
    }

    private mutating func readPropagators() {
        let name = "OTEL_PROPAGATORS"
        guard let text = environment[name], !Self.words(text).contains("tracecontext") else {
            return
        }
        ignore(
            name,
            "found \(quoted(text)), expected tracecontext among them: traces are told by "
                + "traceparent alone")
    }

    private mutating func readResource() {
        if let text = environment["OTEL_SERVICE_NAME"] {
            take([text], for: "traces.service-name", from: "OTEL_SERVICE_NAME")
        }
        let name = "OTEL_RESOURCE_ATTRIBUTES"
        guard let text = environment[name] else { return }
        do throws(BaggageError) {
            var pairs = try BaggageList.read(text)
            if let service = pairs.last(where: { $0.key == "service.name" }) {
                take([service.value], for: "traces.service-name", from: name)
            }
            // Of a key that comes twice the last one counts.
            var seen: Set<String> = ["service.name"]
            pairs = pairs.reversed().filter { seen.insert($0.key).inserted }.reversed()
            guard !pairs.isEmpty else { return }
            take(pairs.map { "\($0.key): \($0.value)" }, for: "traces.resource", from: name)
        } catch {
            ignore(name, error.text)
        }
    }

    /// Warns of variables that ask for what there is not; `isTheirs` says whether they have named
    /// the collector.
    private mutating func warnOfIdleVariables(isTheirs: Bool) {
        if !isTheirs, let (name, _) = exporterVariable("HEADERS") {
            warnings.add(
                "no effect: it is for an endpoint that OTEL_EXPORTER_OTLP_ENDPOINT names, and "
                    + "traces.to names another; use traces.headers", at: .environment(name))
        }
        if isTheirs {
            for suffix in ["CLIENT_KEY", "CLIENT_CERTIFICATE"] {
                guard let (name, _) = exporterVariable(suffix) else { continue }
                warnings.add(
                    "no effect: collectors get no certificate of a client; use "
                        + "OTEL_EXPORTER_OTLP_HEADERS", at: .environment(name))
            }
            if let (name, text) = exporterVariable("COMPRESSION"), text != "none" {
                warnings.add("no effect: spans are sent as they are", at: .environment(name))
            }
        }
        for name in ["SCHEDULE_DELAY", "EXPORT_TIMEOUT", "MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE"]
            .map({ "OTEL_BSP_\($0)" }) where environment[name] != nil
        {
            warnings.add(
                "no effect: spans are sent once a second, or sooner as buffers of 64 KiB fill",
                at: .environment(name))
        }
    }
}
