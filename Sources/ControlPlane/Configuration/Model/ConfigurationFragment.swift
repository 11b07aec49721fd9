// ConfigurationFragment: a piece of configuration that comes while the program runs, from Consul's
// K/V store or from the tags of services there. It is read by the same tables as the file, and the
// whole is validated again with it.
//
// | key below the prefix        | value, YAML                                                    |
// |-----------------------------|----------------------------------------------------------------|
// | `routes/ANYTHING`           | a route or a list of them; with `listener: NAME` for one       |
// |                             | listener, else for every HTTP listener                         |
// | `services/NAME`             | a service, as under `services`                                 |
// | `backends/SERVICE/HOST:PORT`| `{weight: 5}` or `{drain: on}` for that backend                |
// | `options/KEY`               | an option of the top level or of `defaults`, its key with `/`  |
// |                             | in place of dots, or with dots: `options/retry/attempts`       |

package import Documents
package import Endpoints

/// A document that adds to a configuration. Value type, any thread.
package struct ConfigurationFragment: Equatable, Sendable {
    /// What it adds.
    package enum Kind: Equatable, Sendable {
        /// One route or several.
        case routes
        /// The service of that name.
        case service(String)
        /// What an operator decides about one backend of a service.
        case backend(service: String, Endpoint)
        /// The option of that key, or the group of options, by the parts between its dots; never
        /// empty. Environment and flags win over it, and it wins over the file.
        case option([String])
    }

    /// What it adds.
    package let kind: Kind
    /// Whether it gives way: what does not fit with the rest (a second service of a name, a second
    /// route for the same requests) is left out with a warning, and refuses nothing. For documents
    /// by many people who don't know of each other. A route must name a service that is there.
    package let yields: Bool
    /// How long requests of the service wait while it has no backend, unless the document or the
    /// defaults of all services say; nil: as for all services. For services only.
    package let emptyWait: Duration?
    /// The document, and what messages call it.
    package let document: NamedText

    /// A document of that kind.
    package init(
        _ kind: Kind, _ document: NamedText, yields: Bool = false, emptyWait: Duration? = nil
    ) {
        self.kind = kind
        self.yields = yields
        self.emptyWait = emptyWait
        self.document = document
    }

    /// A fragment of the kind that the key, relative to its prefix, says.
    /// - Throws: what was found and what was expected, for a key that is none of the table above.
    package init(key: String, _ document: NamedText) throws(ConfigurationFragmentError) {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        switch parts.first {
        case "routes" where parts.count > 1: self.init(.routes, document)
        case "services" where parts.count == 2: self.init(.service(parts[1]), document)
        case "backends" where parts.count == 3:
            guard let endpoint = Endpoint(parts[2]), endpoint.port > 0 else {
                throw ConfigurationFragmentError(
                    description: "\(document.name): found the backend \(quoted(parts[2])), "
                        + "expected its address and port, such as 10.0.0.1:80")
            }
            self.init(.backend(service: parts[1], endpoint), document)
        case "options" where parts.dropFirst().contains { $0.contains { $0 != "." } }:
            let path = parts.dropFirst().flatMap { $0.split(separator: ".") }.map(String.init)
            self.init(.option(path), document)
        default:
            throw ConfigurationFragmentError(
                description: "\(document.name): found a key that nothing reads, expected "
                    + "routes/ANYTHING, services/NAME, backends/SERVICE/ADDRESS:PORT or options/KEY"
            )
        }
    }
}

/// Why a key names no fragment. Any thread.
package struct ConfigurationFragmentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A sentence without its full stop.
    package let description: String
}
