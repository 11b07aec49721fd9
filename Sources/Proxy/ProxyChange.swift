// ProxyChange: what becomes different in the running data plane, in one value, so that every worker
// takes it up at once: no request sees a route to a service that is not there.

package import Backends

/// A change of services and listeners. Value type, any thread.
package struct ProxyChange: Sendable {
    /// Services with numbers that were never used before.
    package var added: [ServiceOptions] = []
    /// Services that are there, with other options; connections and the retry budget are kept.
    package var changed: [ServiceOptions] = []
    /// Listeners that are there, with other options; name, address and mode are the same. Requests in
    /// flight stay where they are; the next one on any connection goes where these say.
    package var listeners: [ListenerOptions] = []
    /// Services that no listener names after this change. What is in flight on them finishes.
    package var removed: [ServiceID] = []

    /// Nothing.
    package init() {}

    /// Whether nothing changes.
    package var isEmpty: Bool {
        added.isEmpty && changed.isEmpty && listeners.isEmpty && removed.isEmpty
    }
}
