// The sources of a service, made once everything that names some has been read.

internal import ConsulQuery
internal import DockerAPI
internal import Endpoints

extension Loading {
    /// The keys of a service or listener that name its sources.
    static let sourceKeys = ["srv", "consul", "docker", "file", "backends"]

    /// Keeps a listener; one that carries its source gets a service of its own.
    mutating func addListener(_ listener: Entry<Listener>) {
        var listener = listener
        if listener.hasSource {
            var service = Entry(value: draft.service, origin: listener.origin)
            service.isCarried = true
            service.value.name =
                listener.srv.first ?? listener.consul.first?.name ?? listener.value.name
            service = withSources(service, listener)
            listener.value.service = service.value.name
            services.append(service)
        }
        listeners.append(listener)
    }

    /// `service` with the sources that `entry` has.
    mutating func withSources<Value>(_ service: Entry<Service>, _ entry: Entry<Value>)
        -> Entry<Service>
    {
        let given = Self.sourceKeys.filter { entry.given[$0] != nil }
        if let origin = given.first.flatMap({ entry.given[$0] }), given.count > 1,
            given != ["srv", "consul"]
        {
            errors.add(
                "found both \(given.joined(separator: " and ")), expected one of them, or srv and "
                    + "consul", at: origin)
        }
        if !entry.srv.isEmpty, !entry.consul.isEmpty, entry.srv.count != entry.consul.count,
            let origin = entry.given["consul"]
        {
            errors.add(
                "found \(entry.consul.count) services in Consul beside \(entry.srv.count) names of "
                    + "DNS, expected as many: each name is for when the query at its place fails",
                at: origin)
        }
        if Set(entry.srv).count < entry.srv.count, let origin = entry.given["srv"] {
            errors.add("found a name twice, expected each once", at: origin)
        }
        var service = service
        service.value.sources = Self.sources(of: entry)
        do throws(DockerQueryError) {
            if let query = try DockerQuery(entry.docker) {
                service.value.sources = [.docker(query)]
            }
        } catch {
            errors.add(error.description, at: entry.given["docker"] ?? entry.origin)
        }
        return service
    }

    private static func sources<Value>(of entry: Entry<Value>) -> [Service.Source] {
        if let file = entry.instanceFile { return [.file(file)] }
        if !entry.consul.isEmpty {
            return entry.consul.enumerated().map { index, query in
                .consul(
                    query, fallback: entry.srv.indices.contains(index) ? entry.srv[index] : nil)
            }
        }
        if !entry.srv.isEmpty { return entry.srv.map { .srv($0) } }
        return [.backends(entry.backends)]
    }
}

extension ConsulServiceQuery {
    /// What Consul calls it.
    fileprivate var name: String {
        switch subject {
        case .service(let name), .preparedQuery(let name): name
        }
    }
}
