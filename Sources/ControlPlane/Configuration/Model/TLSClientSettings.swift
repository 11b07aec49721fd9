// TLSClientSettings: how connections that this process makes are secure: to the backends of a
// service, to Consul's agents, to Docker's engine.

package import TLS

/// The TLS of connections to servers of one kind. Value type, any thread.
package struct TLSClientSettings: Equatable, Sendable {
    /// Whether TLS is spoken to them.
    package internal(set) var isOn = false
    /// Whether their certificates have to verify. What goes to a server that anybody can be is read
    /// by anybody, so it takes a word to switch this off.
    package internal(set) var verifies = true
    /// The name that they are asked for and their certificates are for; nil: each one's own host
    /// name, or its address where it has none.
    var name: TLSPeerName?
    /// The file with the authorities that are trusted; nil is this machine's list.
    var authorities: String?
    /// The files of the certificate that they are shown, and of its key; both or neither.
    var chain: String?
    var key: String?
    /// The oldest version that is spoken. Every server of the last ten years knows 1.2.
    var minVersion = TLSVersion.tls12
    /// What all of it came to when the configuration was read, with what was in the files; nil
    /// where TLS is not spoken. Part of the settings, so that a reload takes up files that have
    /// changed.
    package internal(set) var client: TLSClientOptions?
}
