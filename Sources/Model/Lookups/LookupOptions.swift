// LookupOptions: how the names of a service are looked up. Each default stands here and nowhere
// else: Configuration's option table points at these fields, and the sources read them.

package import DNSWire

/// How the names of one service are looked up, and what is made of their records. Value type, any
/// thread.
package struct LookupOptions: Sendable, Equatable {
    /// When they are looked up again.
    package var refresh = RefreshSchedule.Options()
    /// Which addresses of a host are used, and asked for.
    package var family = AddressFamily.ipv4First
    /// In place of the port of every SRV record, 1 to 65535; nil for theirs.
    package var port: UInt16?
    /// When a name has no SRV records (NODATA, NXDOMAIN), its own addresses are instances at this
    /// port, 1 to 65535; nil for none. A record with the target `.` is one: the service is
    /// decidedly not there then.
    package var fallbackPort: UInt16?

    /// The defaults.
    package init() {}
}
