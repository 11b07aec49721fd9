// Names of hosts that can't wait until the program runs: those to listen on, which become addresses
// here.

internal import Documents
internal import Endpoints

extension Loading {
    /// Finds the addresses of the listeners, of the admin port and of the one for health, as far as
    /// they are names.
    mutating func findListenAddresses() {
        for index in listeners.indices {
            let listener = listeners[index]
            // A bad value has been reported already.
            guard let origin = listener.given["listen"] else { continue }
            let found = endpoints(of: listener.value.place, at: origin)
            guard let first = found.first else { continue }
            listeners[index].value.listen = first
            listeners[index].alsoListen = Array(found.dropFirst())
        }
        findAdminAddresses()
        if let place = draft.configuration.health.place {
            draft.configuration.health.listen = endpoints(
                of: place, at: given["health.listen"] ?? .nowhere)
        }
    }

    private mutating func findAdminAddresses() {
        guard let place = draft.configuration.admin.place else {
            draft.configuration.admin.listen = nil
            return
        }
        let found = endpoints(of: place, at: given["admin.listen"] ?? .nowhere)
        guard let first = found.first else { return }
        draft.configuration.admin.listen = first
        draft.configuration.admin.alsoListen = Array(found.dropFirst())
    }

    /// Empty when there is none, which has been reported then.
    private mutating func endpoints(of place: Place, at origin: Origin) -> [Endpoint] {
        switch place {
        case .endpoint(let endpoint): return [endpoint]
        case .name(let name):
            switch (findHost ?? Self.findLocalhost)(name.host) {
            case .success(let addresses): return addresses.map { Endpoint($0, name.port) }
            case .failure(let failure):
                errors.add("found \(quoted("\(name)")): \(failure.text)", at: origin)
                return []
            }
        }
    }

    /// `localhost` needs no lookup (RFC 6761, section 6.3).
    private static func findLocalhost(_ host: String) -> Result<[IPAddress], NoSuchHost> {
        host.lowercased() == "localhost"
            ? .success([.loopback, .v6(0, 1)])
            : .failure(
                NoSuchHost("no name is looked up here, expected an address of this machine"))
    }
}

extension Entry<Listener> {
    /// The listener, and another one for each further address of its name, with the address in its
    /// name: `localhost:8080@::1`.
    var listeners: [Listener] {
        [value]
            + alsoListen.map { endpoint in
                var other = value
                other.listen = endpoint
                other.name = "\(value.name)@\(endpoint.address)"
                return other
            }
    }
}
