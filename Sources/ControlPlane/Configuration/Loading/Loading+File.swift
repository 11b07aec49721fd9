// Reading of the file: its top level, then services, then listeners, each against its option table.

internal import Documents
internal import Endpoints
internal import Traffic

extension Loading {
    /// Reads the file, if there is one, and applies options of `fragments`, then environment and
    /// flags over its top level before services and listeners take their defaults from it.
    mutating func readFile(_ file: NamedText?, _ fragments: [ConfigurationFragment]) {
        var reading = MappingReader<Draft>.Reading()
        let name = file?.name ?? draft.commandLine.file ?? ""
        if let root = root(of: file) {
            let reader = MappingReader(
                file: name, options: OptionTable.file, sections: OptionTable.fileSections,
                aliases: OptionTable.fileAliases)
            reading = reader.read(root, path: "", into: &draft, &errors)
            given.merge(reading.given) { $1 }
            draft.service.check = settled(
                draft.service.check, given: reading.given, prefix: "defaults.")
            draft.service.tls = settled(
                draft.service.tls, given: reading.given, group: "defaults.backend-tls")
            draft.listener.policy.compression = settled(
                draft.listener.policy.compression, given: reading.given, prefix: "defaults.")
        }
        applyOptions(fragments)
        let applied = applyOverrides(OptionTable.file)
        draft.service.check = settled(draft.service.check, given: applied, prefix: "defaults.")
        draft.service.tls = settled(
            draft.service.tls, given: applied, group: "defaults.backend-tls")
        draft.listener.policy.compression = settled(
            draft.listener.policy.compression, given: applied, prefix: "defaults.")
        if let node = reading.sections["services"] { readServices(node, file: name) }
        if let node = reading.sections["listeners"] { readListeners(node, file: name) }
    }

    private mutating func root(of file: NamedText?) -> YAMLNode? {
        guard let file else {
            guard let path = draft.commandLine.file else {
                // A bad path has been reported already.
                isComplete = overrides[.config].isEmpty && environment["FAIRLEAD_CONFIG"] == nil
                return nil
            }
            do {
                return tree(of: try NamedText.read(path: path))
            } catch {
                isComplete = false
                errors.add(error.text, at: .wholeFile(name: path))
                return nil
            }
        }
        return tree(of: file)
    }

    /// `file` as a tree; nil when it is none, which has been reported then.
    mutating func tree(of file: NamedText) -> YAMLNode? {
        do {
            return try parse(file.text)
        } catch {
            isComplete = false
            errors.add(error.text, at: .file(name: file.name, mark: error.mark, path: ""))
            return nil
        }
    }

    private func parse(_ text: String) throws(YAMLError) -> YAMLNode {
        if text.utf8.count > NamedText.bytesMax {
            throw YAMLError(
                text: "found more than 1MiB, expected at most 1MiB",
                mark: YAMLMark(line: 1, column: 1))
        }
        return try YAMLParser.parse(text)
    }

    // MARK: Services

    private mutating func readServices(_ node: YAMLNode, file: String) {
        guard case .mapping(let entries) = node.content else {
            if !node.isNothing {
                hasUnreadServices = true
                errors.add(
                    found: node.found, expected: "a mapping of names to services",
                    at: .file(name: file, mark: node.mark, path: "services"))
            }
            return
        }
        for entry in entries {
            let path = "services.\(isName(entry.key) ? entry.key : quoted(entry.key))"
            let origin = Origin.file(name: file, mark: entry.keyMark, path: path)
            readService(entry.value, entry.key, path: path, file, origin)
        }
    }

    /// Reads the service called `name`, which stands at `path`. What it does not say is as in
    /// `defaults`, or without them as for all services.
    mutating func readService(
        _ node: YAMLNode, _ name: String, path: String, _ file: String, _ origin: Origin,
        from defaults: Service? = nil
    ) {
        if !isName(name) {
            errors.add(
                "found the name \(quoted(name)), expected 1 to 63 letters, digits, dots, - or _",
                at: origin)
        }
        var service = Entry(value: defaults ?? draft.service, origin: origin)
        service.value.name = name
        read(
            node, path, file, OptionTable.serviceEntry, OptionTable.serviceSections,
            aliases: OptionTable.serviceAliases, into: &service)
        service.value.check = settled(service.value.check, given: service.given)
        service.value.tls = settled(
            service.value.tls, given: service.given, group: "backend-tls")
        // Where there is no mapping, nothing missing is reported.
        let isMapping = if case .mapping = node.content { true } else { node.isNothing }
        if !service.hasSource, isMapping {
            errors.add(
                "found no source, expected srv, consul, docker, file or backends", at: origin)
        }
        services.append(withSources(service, service))
    }

    /// Reads a service or listener with its source.
    private mutating func read<Value>(
        _ node: YAMLNode, _ path: String, _ file: String, _ options: [Option<Entry<Value>>],
        _ sections: [OptionSection], aliases: [String: String] = [:],
        into entry: inout Entry<Value>,
        more: (inout Loading, inout Entry<Value>, MappingReader<Entry<Value>>.Reading) -> Void = {
            _, _, _ in
        }
    ) {
        let reader = MappingReader(
            file: file, options: options, sections: sections, aliases: aliases)
        let reading = reader.read(node, path: path, into: &entry, &errors)
        entry.given = reading.given
        entry.keys = reading.keys
        entry.hasSource = !reading.keys.isDisjoint(with: Self.sourceKeys)
        more(&self, &entry, reading)
        guard let list = reading.sections["backends"] else { return }
        let listPath = path.isEmpty ? "backends" : "\(path).backends"
        let origin = Origin.file(name: file, mark: list.mark, path: listPath)
        entry.given["backends"] = origin
        guard case .sequence(let items) = list.content, !items.isEmpty else {
            let isEmpty = if case .sequence = list.content { true } else { false }
            errors.add(
                found: isEmpty ? "an empty list" : list.found,
                expected: "a list of HOST:PORT, or of {address: HOST:PORT, weight: 1, priority: 0}",
                at: origin)
            return
        }
        var seen: Set<HostAndPort> = []
        for (index, item) in items.enumerated() {
            let itemPath = "\(listPath)[\(index)]"
            guard let backend = readBackend(item, itemPath, file) else { continue }
            if !seen.insert(backend.address).inserted {
                let origin = Origin.file(name: file, mark: item.mark, path: itemPath)
                errors.add(
                    "found \(ValueKind.backendAddress.write(backend.address)) again, expected each "
                        + "backend once", at: origin)
            }
            entry.backends.append(backend)
        }
    }

    /// One backend: `HOST:PORT`, or a mapping with `address`.
    private mutating func readBackend(_ node: YAMLNode, _ path: String, _ file: String)
        -> Service.StaticBackend?
    {
        var addressNode = node
        var addressPath = path
        if case .mapping(let entries) = node.content {
            guard let entry = entries.first(where: { $0.key == "address" }) else {
                errors.add(
                    found: "no address", expected: "address: HOST:PORT",
                    at: .file(name: file, mark: node.mark, path: path))
                return nil
            }
            (addressNode, addressPath) = (entry.value, "\(path).address")
        }
        let origin = Origin.file(name: file, mark: addressNode.mark, path: addressPath)
        guard case .scalar(let text, _) = addressNode.content, !addressNode.isNothing else {
            errors.add(found: addressNode.found, expected: "HOST:PORT", at: origin)
            return nil
        }
        var backend: Service.StaticBackend
        do {
            backend = Service.StaticBackend(try ValueKind.backendAddress.parse([text]))
        } catch {
            if Placeholder.isIn(text) {
                errors.add(Placeholder.advice(text, variable: nil), at: origin)
            } else {
                errors.add(found: quoted(text), expected: error.expected, at: origin)
            }
            return nil
        }
        if case .mapping = node.content {
            let reader = MappingReader(
                file: file, options: OptionTable.backend, sections: OptionTable.backendSections)
            _ = reader.read(node, path: path, into: &backend, &errors)
        }
        return backend
    }

    // MARK: Listeners

    private mutating func readListeners(_ node: YAMLNode, file: String) {
        guard case .sequence(let items) = node.content else {
            if !node.isNothing {
                hasListeners = true
                errors.add(
                    found: node.found, expected: "a list of listeners",
                    at: .file(name: file, mark: node.mark, path: "listeners"))
            }
            return
        }
        hasListeners = !items.isEmpty
        let countMax = ConfigurationLimits.listenersMax
        if items.count > countMax {
            errors.add(
                found: "\(items.count) listeners", expected: "at most \(countMax)",
                at: .file(name: file, mark: node.mark, path: "listeners"))
        }
        for (index, item) in items.prefix(countMax).enumerated() {
            let path = "listeners[\(index)]"
            let origin = Origin.file(name: file, mark: item.mark, path: path)
            var listener = Entry(value: draft.listener, origin: origin)
            read(
                item, path, file, OptionTable.listenerEntry, OptionTable.listenerSections,
                into: &listener
            ) { loading, listener, reading in
                if let node = reading.sections["routes"] {
                    loading.readRoutes(node, "\(path).routes", file, into: &listener)
                }
            }
            listener.value.policy.compression = settled(
                listener.value.policy.compression, given: listener.given)
            guard case .mapping(let entries) = item.content else {
                if item.isNothing {
                    errors.add(found: "nothing", expected: "a listener", at: origin)
                }
                continue
            }
            if !listener.keys.contains("listen") {
                errors.add(
                    found: "no address", expected: "listen: ADDRESS:PORT or :PORT", at: origin)
            }
            if listener.given["name"] == nil,
                case .scalar(let text, _)? = entries.first(where: { $0.key == "listen" })?.value
                    .content
            {
                listener.value.name = text
            }
            addListener(listener)
        }
    }
}
