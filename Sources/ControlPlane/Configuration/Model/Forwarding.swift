// What a listener tells backends of its clients.

package import Endpoints

extension Listener {
    /// Which fields describe the client to a backend, and whose account of it is believed.
    package struct Forwarding: Equatable, Sendable {
        /// X-Forwarded-For, -Proto, -Host and -Port.
        package internal(set) var xForwarded = Handling.append
        /// Forwarded (RFC 7239). Off, since what reads X-Forwarded-For rarely reads this.
        package internal(set) var forwarded = Handling.off
        /// The name in Via (RFC 9110 section 7.6.3, which asks every gateway for it); nil is none.
        package internal(set) var via: String? = "fairlead"
        /// Whether requests get an X-Request-Id.
        package internal(set) var requestID = Switch.off
        /// Whose account is believed. None by default: what anyone may write proves nothing.
        package internal(set) var trustedProxies: [IPNetwork] = []

        /// What becomes of a list that names the hops before this one.
        package enum Handling: String, CaseIterable, Equatable, Sendable {
            /// A trusted proxy's list is kept and added to; anyone else's is replaced.
            case append
            /// The list begins here.
            case replace
            /// Passed through as it came; nothing is added.
            case off
        }
    }
}

/// Something that is done or not.
package enum Switch: String, CaseIterable, Equatable, Sendable {
    case on, off
}
