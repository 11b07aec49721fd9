// Reads one YAML mapping against an option table: nested keys are joined by dots, a key that no
// option has is an error with the nearest one that exists, and every problem is kept.

internal import Documents
internal import Wording

/// Reads mappings of one kind.
struct MappingReader<Root> {
    /// The file's name, for messages.
    let file: String
    let options: [Option<Root>]
    /// Keys whose values are handed back unread.
    var sections: [OptionSection] = []
    /// Other names of options, and the keys that these have.
    var aliases: [String: String] = [:]

    /// What a mapping had.
    struct Reading {
        /// Where each option with a good value was given.
        var given: [String: Origin] = [:]
        var sections: [String: YAMLNode] = [:]
        /// Every key that was there and known, whether its value was good or not.
        var keys: Set<String> = []
    }

    /// Reads `node`, which stands at `path` (empty at the top), into `root`.
    func read(
        _ node: YAMLNode, path: String, into root: inout Root, _ problems: inout ProblemList
    ) -> Reading {
        var reading = Reading()
        read(node, path: path, group: "", &reading, into: &root, &problems)
        return reading
    }

    private func read(
        _ node: YAMLNode, path: String, group: String, _ reading: inout Reading,
        into root: inout Root, _ problems: inout ProblemList
    ) {
        guard case .mapping(let entries) = node.content else {
            if !node.isNothing {
                let origin = Origin.file(name: file, mark: node.mark, path: path)
                let keys = known(in: group).joined(separator: ", ")
                problems.add(
                    found: node.found, expected: "a mapping with keys of: \(keys)", at: origin)
            }
            return
        }
        for entry in entries {
            let key = aliases[group + entry.key] ?? group + entry.key
            let inside = "\(key)."
            let entryPath = path.isEmpty ? entry.key : "\(path).\(entry.key)"
            if sections.contains(where: { $0.key == key }) {
                reading.keys.insert(key)
                reading.sections[key] = entry.value
            } else if let option = options.first(where: { $0.key == key }) {
                reading.keys.insert(key)
                if let origin = apply(option, entry.value, path: entryPath, to: &root, &problems) {
                    reading.given[key] = origin
                }
            } else if !entry.value.isNothing, case .scalar = entry.value.content,
                let option = options.shortForm(of: key)
            {
                reading.keys.insert(option.key)
                if let origin = apply(option, entry.value, path: entryPath, to: &root, &problems) {
                    reading.given[option.key] = origin
                }
            } else if options.contains(where: { $0.key.hasPrefix(inside) }) {
                read(entry.value, path: entryPath, group: inside, &reading, into: &root, &problems)
            } else {
                addUnknown(entry, path: path, group: group, &problems)
            }
        }
    }

    /// - Returns: where the value is, if it was good.
    private func apply(
        _ option: Option<Root>, _ node: YAMLNode, path: String, to root: inout Root,
        _ problems: inout ProblemList
    ) -> Origin? {
        let origin = Origin.file(name: file, mark: node.mark, path: path)
        let items = items(of: node, option)
        let nodes = items ?? [node]
        let isList = items != nil
        var texts: [String] = []
        for (index, node) in nodes.enumerated() {
            guard case .scalar(let text, _) = node.content, !node.isNothing else {
                let place = Origin.file(
                    name: file, mark: node.mark, path: isList ? "\(path)[\(index)]" : path)
                let kind = option.isList ? "a plain value" : option.summary.filter { $0 != "`" }
                problems.add(found: node.found, expected: kind, at: place)
                return nil
            }
            texts.append(text)
        }
        if let index = texts.firstIndex(where: Placeholder.isIn), option.mayNotHavePlaceholders {
            let text = option.isSecret ? nil : texts[index]
            problems.add(
                Placeholder.advice(text, variable: option.environmentName),
                at: isList
                    ? .file(name: file, mark: nodes[index].mark, path: "\(path)[\(index)]") : origin
            )
            return nil
        }
        let isGood = option.apply(texts, to: &root, &problems) { index in
            guard isList, nodes.indices.contains(index) else { return origin }
            return .file(name: file, mark: nodes[index].mark, path: "\(path)[\(index)]")
        }
        return isGood ? origin : nil
    }

    /// The values of a list; nil when the node is a value itself.
    private func items(of node: YAMLNode, _ option: Option<Root>) -> [YAMLNode]? {
        switch node.content {
        case .sequence(let items) where option.isList:
            items.flatMap { option.takesMapping ? lines(of: $0, option) ?? [$0] : [$0] }
        case .mapping where option.takesMapping: lines(of: node, option)
        case .sequence, .mapping, .scalar: nil
        }
    }

    /// A mapping of names to plain values as texts; nil when it is none.
    private func lines(of node: YAMLNode, _ option: Option<Root>) -> [YAMLNode]? {
        guard case .mapping(let entries) = node.content else { return nil }
        let lines = entries.map { entry in
            guard case .scalar(let text, _) = entry.value.content else { return entry.value }
            var line = entry.value
            line.content = .scalar("\(entry.key): \(text)", isPlain: false)
            line.mark = entry.keyMark
            return line
        }
        guard option.joinsMapping else { return lines }
        var texts: [String] = []
        for line in lines {
            // What is no text is refused where it stands.
            guard case .scalar(let text, _) = line.content, !line.isNothing else { return [line] }
            texts.append(text)
        }
        var joined = node
        joined.content = .scalar(texts.joined(separator: " "), isPlain: false)
        return [joined]
    }

    private func addUnknown(
        _ entry: YAMLNode.Entry, path: String, group: String, _ problems: inout ProblemList
    ) {
        let known = known(in: group)
        // The key may be anything: it is quoted and cut.
        let shown = isName(entry.key) ? entry.key : quoted(entry.key)
        let origin = Origin.file(
            name: file, mark: entry.keyMark, path: path.isEmpty ? shown : "\(path).\(shown)")
        if let home = OptionTable.home(of: entry.key, besides: known) {
            problems.add("unknown key here, expected it \(home)", at: origin)
        } else if let advice = ForeignWords.advice(onKey: entry.key, known: known) {
            problems.add("unknown key: \(advice)", at: origin)
        } else if let nearest = nearest(to: entry.key, among: known) {
            problems.add("unknown key, expected \(nearest)?", at: origin)
        } else {
            problems.add(
                "unknown key, expected one of: \(known.joined(separator: ", "))", at: origin)
        }
    }

    /// The keys that may stand directly in `group`, in the order of the table.
    private func known(in group: String) -> [String] {
        var keys: [String] = []
        for option in options where option.key.hasPrefix(group) {
            let key = String(option.key.dropFirst(group.count).prefix { $0 != "." })
            if !keys.contains(key) { keys.append(key) }
        }
        return group.isEmpty ? keys + sections.map(\.key) : keys
    }
}
