// BackendKey: a backend's name in a path: `web@10.0.0.1:8080`. Made of what an operator knows, so
// that it can be typed; the same for every life of an endpoint, and in every Fairlead.

package import Endpoints

/// A backend by its service and where it is. Value type, any thread.
package struct BackendKey: Hashable, Sendable, CustomStringConvertible {
    /// The service's name.
    package let service: String
    /// Where it is.
    package let endpoint: Endpoint

    /// Both are required.
    package init(service: String, endpoint: Endpoint) {
        self.service = service
        self.endpoint = endpoint
    }

    /// Reads `SERVICE@ADDRESS:PORT`; nil for anything else. A service's name may have an `@` in it,
    /// an endpoint has none.
    package init?(_ text: String) {
        guard let at = text.lastIndex(of: "@"), at != text.startIndex,
            let endpoint = Endpoint(text[text.index(after: at)...])
        else { return nil }
        self.init(service: String(text[..<at]), endpoint: endpoint)
    }

    /// The key as it is read: `service@address:port`.
    package var description: String { "\(service)@\(endpoint)" }
}
