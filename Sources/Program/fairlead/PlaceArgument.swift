// PlaceArgument: a flag that says where something is, by address or by name.

import ArgumentParser
import Configuration
import Control
import Endpoints

/// The value of such a flag.
struct PlaceArgument {
    /// The flag, for messages: `--admin`.
    let flag: String
    /// What was written.
    let text: String

    /// Where to reach it. Looks a name up, and blocks for up to 5 s then.
    func reachable() throws -> Endpoint {
        try endpoint(Place(reachable: text)) { HostFinder.find($0) }
    }

    /// Where to listen; a name is one of this machine's own. Looks a name up, and blocks for up to
    /// 5 s then.
    func listening() throws -> Endpoint {
        try endpoint(Place(listening: text)) { HostFinder.findOwn($0) }
    }

    private func endpoint(
        _ place: Place?, _ find: (String) -> Result<[IPAddress], NoSuchHost>
    ) throws -> Endpoint {
        switch place {
        case .endpoint(let endpoint)?: return endpoint
        case .name(let name)?:
            switch find(name.host) {
            case .success(let addresses):
                guard let first = addresses.first else { break }
                return Endpoint(first, name.port)
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
