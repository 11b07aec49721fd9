// Reading of additions, once the file, the environment and the flags have been read.

internal import Documents
internal import Endpoints

extension Loading {
    /// Reads `additions`: services first, as the others name them.
    mutating func add(_ additions: [Addition]) {
        for addition in additions {
            guard case .service(let name) = addition.kind else { continue }
            let origin = Origin.wholeFile(name: addition.document.name)
            guard let node = tree(of: addition.document) else { continue }
            readService(node, name, path: "", addition.document.name, origin)
        }
        for addition in additions {
            switch addition.kind {
            case .service: continue
            case .routes:
                if let node = tree(of: addition.document) {
                    addRoutes(node, addition.document.name)
                }
            case .backend(let service, let endpoint):
                if let node = tree(of: addition.document) {
                    addOverride(node, addition.document.name, service, endpoint)
                }
            }
        }
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
        var decision = Service.Override()
        let reader = MappingReader(file: file, options: OptionTable.override)
        _ = reader.read(node, path: "", into: &decision, &errors)
        guard let index = services.firstIndex(where: { $0.value.name == service }) else {
            let hint = nearest(to: service, among: services.map(\.value.name)).map { "\($0)?" }
            errors.add(
                found: "the service \(quoted(service))", expected: hint ?? "one that exists",
                at: .wholeFile(name: file))
            return
        }
        services[index].value.overrides[endpoint] = decision
    }
}
