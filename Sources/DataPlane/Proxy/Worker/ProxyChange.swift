// ProxyChange: what becomes different in the running data plane, in one value, so that every worker
// takes it up at once: no request sees a route to a service that is not there.

package import Backends

/// A change of services and listeners. Value type, any thread.
package struct ProxyChange: Sendable {
    /// Services with numbers that were never used before.
    package var added: [ServiceOptions] = []
    /// Services that are there, with other options; connections and the retry budget are kept.
    package var changed: [ServiceOptions] = []
    /// Listeners that are there, with other options; name, address and mode are the same. Requests
    /// in flight stay where they are; the next one on any connection goes where these say.
    package var listeners: [ListenerOptions] = []
    /// Listeners that are not there yet. The registry has their counters by now.
    package var opened: [Opening] = []
    /// The numbers of listeners that accept no more; each worker reports `listenerClosed` when the
    /// last of its connections has ended.
    package var closed: [Int] = []
    /// How long connections of those that are closed may go on; then they are ended.
    package var drainLimit: Duration = .seconds(30)
    /// Services that no listener names after this change. What is in flight on them finishes.
    package var removed: [ServiceID] = []

    /// A listener that is opened.
    package struct Opening: Sendable {
        /// What it does, under a number that was never used before.
        package var options: ListenerOptions
        /// Where its connections come from.
        package var origin: Origin

        /// All is required.
        package init(_ options: ListenerOptions, _ origin: Origin) {
            self.options = options
            self.origin = origin
        }

        /// Where a listener's connections come from.
        package enum Origin: Sendable {
            /// From an address that was opened for it, and is its own from now on.
            case sockets(ListenerSockets)
            /// From that of the listener with this number, which is closed by the same change: the
            /// address is listened on all the while.
            case successor(of: Int)
        }
    }

    /// Nothing.
    package init() {}

    /// Whether nothing changes.
    package var isEmpty: Bool {
        added.isEmpty && changed.isEmpty && listeners.isEmpty && opened.isEmpty && closed.isEmpty
            && removed.isEmpty
    }
}
