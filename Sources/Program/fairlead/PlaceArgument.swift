// PlaceArgument: a flag that says where something is, by address or by name.

import ArgumentParser
import Configuration
import Control
import DNSWire
import Endpoints

/// The value of such a flag.
struct PlaceArgument {
    /// The flag, for messages: `--admin`.
    let flag: String
    /// What was written.
    let text: String

    /// Where to reach it, in the order in which to try. Looks a name up, and blocks for up to 5 s
    /// then.
    func reachable() throws -> AddressesInTurn {
        AddressesInTurn(try endpoints(Place(reachable: text)) { HostFinder.find($0) })
    }

    /// Where it is at this moment: the address, or all that a name has, of one family. Looks a name
    /// up, and blocks for up to 5 s then.
    func resolved() throws -> [Endpoint] {
        let all = try endpoints(Place(reachable: text)) { HostFinder.find($0) }
        let chosen = AddressFamily.ipv4First.choose(from: all.map(\.address))
        return all.filter { chosen.contains($0.address) }
    }

    /// Where to listen. A name is one of this machine's own, and stands for the first of its
    /// addresses that something can listen on: with two of them, a client that comes by address
    /// would have to guess. Looks a name up, and blocks for up to 5 s then.
    func listening() throws -> Endpoint {
        try endpoints(Place(listening: text)) { HostFinder.findOwn($0) }[0]
    }

    /// At least one.
    private func endpoints(
        _ place: Place?, _ find: (String) -> Result<[IPAddress], NoSuchHost>
    ) throws -> [Endpoint] {
        switch place {
        case .endpoint(let endpoint)?: return [endpoint]
        case .name(let name)?:
            switch find(name.host) {
            case .success(let addresses):
                guard !addresses.isEmpty else { break }
                return addresses.map { Endpoint($0, name.port) }
            case .failure(let why):
                throw ValidationError("\(flag): found \"\(text)\": \(why.text)")
            }
        case nil: break
        }
        throw ValidationError(
            "\(flag): found \"\(text)\", expected an address or a name, and a port, as "
                + "127.0.0.1:9000")
    }
}
