// Reading of fragments, once the file, the environment and the flags have been read.

internal import Backends
internal import Documents
internal import Endpoints
internal import Traffic
internal import Wording

extension Loading {
    /// Reads those of `fragments` that are options, between the file and the environment.
    mutating func applyOptions(_ fragments: [ConfigurationFragment]) {
        var given: [String: Origin] = [:]
        for fragment in fragments {
            guard case .option(let path) = fragment.kind else { continue }
            given.merge(readOption(path, fragment.document)) { $1 }
        }
        self.given.merge(given) { $1 }
        draft.service.check = settled(draft.service.check, given: given, prefix: "defaults.")
        draft.service.tls = settled(
            draft.service.tls, given: given, group: "defaults.backend-tls")
        draft.listener.policy.compression = settled(
            draft.listener.policy.compression, given: given, prefix: "defaults.")
    }

    /// - Returns: where each option that got a value is.
    private mutating func readOption(_ path: [String], _ document: NamedText) -> [String: Origin] {
        guard !OptionTable.isReadAtStart(path.joined(separator: ".")) else {
            errors.add(
                "found an option that is read at the start alone, expected it in the file, the "
                    + "environment or by flag; `fairlead env` makes variables of keys",
                at: .wholeFile(name: document.name))
            return [:]
        }
        // As an empty variable: some pages can only empty a value.
        guard document.text.contains(where: { !$0.isWhitespace }), let node = tree(of: document)
        else { return [:] }
        let groups = OptionTable.process.map { $0.key.prefix { $0 != "." } }
        let isOfTop = path[0] == "defaults" || groups.contains(path[0][...])
        let nested = ((isOfTop ? [] : ["defaults"]) + path).reversed().reduce(node) {
            YAMLNode($1, $0)
        }
        let reader = MappingReader(file: document.name, options: OptionTable.file)
        return reader.read(nested, path: "", into: &draft, &errors).given
    }

    /// Reads the other `fragments`: services first, as the others name them.
    mutating func add(_ fragments: [ConfigurationFragment]) {
        // Fragments that give way come last, when the others are there.
        let ordered = fragments.filter { !$0.yields } + fragments.filter(\.yields)
        for fragment in ordered where fragment.kind.isService { add(fragment) }
        for fragment in ordered where !fragment.kind.isService && !fragment.kind.isOption {
            add(fragment)
        }
    }

    /// Adds a fragment; of one that gives way, only what does no harm.
    private mutating func add(_ fragment: ConfigurationFragment) {
        guard fragment.yields else { return read(fragment) }
        let before = errors
        let serviceCount = services.count
        let routeCounts = listeners.map(\.value.routes.count)
        errors = ProblemList()
        read(fragment)
        checkAdded(fragment, since: serviceCount)
        if !errors.isEmpty {
            for problem in errors.sorted {
                warnings.add("left out: \(problem.text)", at: problem.origin)
            }
            services.removeSubrange(serviceCount...)
            for (index, count) in routeCounts.enumerated() {
                listeners[index].removeRoutes(from: count)
            }
        }
        errors = before
    }

    private mutating func read(_ fragment: ConfigurationFragment) {
        let file = fragment.document.name
        guard let node = tree(of: fragment.document) else { return }
        switch fragment.kind {
        case .service(let name):
            var defaults = draft.service
            if let wait = fragment.emptyWait, given["defaults.when-empty.wait"] == nil {
                defaults.policy.limits.emptyWait = wait
            }
            readService(node, name, path: "", file, .wholeFile(name: file), from: defaults)
        case .routes: addRoutes(node, file)
        case .backend(let service, let endpoint): addOverride(node, file, service, endpoint)
        // Read before, as services and listeners start from them.
        case .option: break
        }
    }

    /// Finds what `validate` would only find when it is too late to leave it out.
    private mutating func checkAdded(_ fragment: ConfigurationFragment, since serviceCount: Int) {
        guard case .service(let name) = fragment.kind,
            services[..<serviceCount].contains(where: { $0.value.name == name })
        else { return }
        errors.add(
            "found a second service named \(quoted(name)), expected one",
            at: .wholeFile(name: fragment.document.name))
    }

    private mutating func addRoutes(_ node: YAMLNode, _ file: String) {
        let items: [YAMLNode]
        switch node.content {
        case .sequence(let list): items = list
        case .mapping, .scalar: items = [node]
        }
        for (index, item) in items.enumerated() {
            let path = items.count > 1 ? "[\(index)]" : ""
            let origin = Origin.file(name: file, mark: item.mark, path: path)
            guard case .mapping = item.content else {
                errors.add(found: item.found, expected: "a route, or a list of them", at: origin)
                continue
            }
            let (route, name) = readRoute(item, path, file, mayNameListener: true)
            let indices = listeners.indices.filter { index in
                let listener = listeners[index].value
                return name.map { $0 == listener.name } ?? (listener.mode == .http)
            }
            if indices.isEmpty {
                let names = listeners.map(\.value.name).joined(separator: ", ")
                errors.add(
                    found: name.map { "the listener \(quoted($0))" } ?? "no HTTP listener",
                    expected: "one of: \(names)", at: origin)
            }
            for index in indices where !listeners[index].append(route, at: origin) {
                addSecondRoute(at: origin)
            }
        }
    }

    private mutating func addOverride(
        _ node: YAMLNode, _ file: String, _ service: String, _ endpoint: Endpoint
    ) {
        var decision = BackendOverride()
        let reader = MappingReader(file: file, options: OptionTable.override)
        _ = reader.read(node, path: "", into: &decision, &errors)
        guard let index = services.firstIndex(where: { $0.value.name == service }) else {
            let names = services.map(\.value.name)
            let hint =
                nearest(to: service, among: names).map { "\($0)?" }
                ?? "one of: \(names.prefix(10).joined(separator: ", "))"
            errors.add(
                found: "the service \(quoted(service))", expected: hint,
                at: .wholeFile(name: file))
            return
        }
        services[index].value.overrides[endpoint] = decision
    }
}

extension ConfigurationFragment.Kind {
    fileprivate var isService: Bool {
        if case .service = self { true } else { false }
    }

    fileprivate var isOption: Bool {
        if case .option = self { true } else { false }
    }
}
