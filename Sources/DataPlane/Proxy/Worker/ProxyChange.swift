// ProxyChange: a change of the running data plane, as one value, so that every worker applies all
// of it at once: no request sees a route to a service that does not exist.

package import Backends
package import TLS

/// A change of services and listeners. Value type, any thread.
package struct ProxyChange: Sendable {
    /// New services, under numbers that were never used before.
    package var added: [ServiceOptions] = []
    /// Existing services with new options; connections and the retry budget are kept.
    package var changed: [ServiceOptions] = []
    /// Existing listeners with new options; name, address and mode are the same. Requests in flight
    /// stay where they are; the next one on any connection goes where these options say.
    package var listeners: [ListenerOptions] = []
    /// New certificates of existing listeners, by their numbers: handshakes that begin from now on
    /// are answered by them, and connections keep what they have.
    package var certificates: [Int: TLSServing] = [:]
    /// New listeners. The registry has their counters by now.
    package var opened: [Opening] = []
    /// The numbers of listeners that accept no more; each worker reports `listenerClosed` when the
    /// last of its connections has ended.
    package var closed: [Int] = []
    /// How long connections of closed listeners may go on before they are ended.
    package var drainLimit: Duration = .seconds(30)
    /// Services that no listener names after this change. Their requests in flight finish.
    package var removed: [ServiceID] = []

    /// A new listener.
    package struct Opening: Sendable {
        /// Its options, with a number that was never used before.
        package var options: ListenerOptions
        /// Where its sockets come from.
        package var origin: Origin

        /// A listener with these options and sockets.
        package init(_ options: ListenerOptions, _ origin: Origin) {
            self.options = options
            self.origin = origin
        }

        /// Where a new listener's sockets come from.
        package enum Origin: Sendable {
            /// From an address that was opened for it; the sockets are its own from now on.
            case sockets(ListenerSockets)
            /// From the listener with this number, which is closed by the same change: the address
            /// is listened on without a break.
            case successor(of: Int)
        }
    }

    /// A change of nothing.
    package init() {}

    /// Whether nothing changes.
    package var isEmpty: Bool {
        added.isEmpty && changed.isEmpty && listeners.isEmpty && opened.isEmpty && closed.isEmpty
            && removed.isEmpty && certificates.isEmpty
    }
}
