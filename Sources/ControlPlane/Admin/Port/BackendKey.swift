// BackendKey: a backend's name in a path: `web@10.0.0.1:8080`. It consists of what an operator
// knows, so that it can be typed. It stays when an endpoint leaves and comes back, and is alike in
// every Fairlead.

package import Endpoints

/// A backend by its service and its endpoint. Value type, any thread.
package struct BackendKey: Hashable, Sendable, CustomStringConvertible {
    /// The service's name.
    package let service: String
    /// Its address and port.
    package let endpoint: Endpoint

    /// The key of the backend of that service at that endpoint.
    package init(service: String, endpoint: Endpoint) {
        self.service = service
        self.endpoint = endpoint
    }

    /// Parses `SERVICE@ADDRESS:PORT`; nil for anything else. A service's name may contain an `@`,
    /// an endpoint can't.
    package init?(_ text: String) {
        guard let at = text.lastIndex(of: "@"), at != text.startIndex,
            let endpoint = Endpoint(text[text.index(after: at)...])
        else { return nil }
        self.init(service: String(text[..<at]), endpoint: endpoint)
    }

    /// The key as text: `service@address:port`.
    package var description: String { "\(service)@\(endpoint)" }
}
