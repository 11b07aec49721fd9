// PeerWatch: whether the host at the other end is still there. A host that vanishes sends no FIN
// and no RST: the kernel repeats what was sent to it for a quarter of an hour, and keeps a
// connection on which nothing is sent without end.
//
// TCP_USER_TIMEOUT would notice the first, but it also ends a connection whose peer is there and
// does not read (tcp(7)), as a pager does. So streams look at acknowledgements, by which a full
// receiver answers the kernel's probes too. The kernel's keepalive notices the second.

internal import Glibc

/// What is known of one peer's acknowledgements. Loop thread only.
package struct PeerWatch {
    /// Since when bytes are on their way without any acknowledgement, in the loop's nanoseconds.
    private var silentSince: UInt64?

    /// Nothing is known yet.
    package init() {}

    /// How long the peer of `descriptor` has acknowledged nothing although something was on its way
    /// to it, in nanoseconds, counted from the first look that saw that. One system call, and a
    /// second one while something is on its way.
    package mutating func silence(of descriptor: Descriptor, now: UInt64) -> UInt64 {
        guard descriptor.unacknowledgedCount > 0 else {
            silentSince = nil
            return 0
        }
        let since = silentSince ?? now
        guard let milliseconds = descriptor.millisecondsSinceAcknowledgement else {
            silentSince = nil
            return 0
        }
        let heardAt = now &- milliseconds * 1_000_000
        // On a connection that was long unused the last acknowledgement is older than what is on
        // its way.
        let silent = heardAt > since && heardAt <= now ? heardAt : since
        silentSince = silent
        return now - silent
    }
}

/// How long a connection outlives its peer's host. Set on a listening socket before it listens, the
/// limits are those of every connection that it accepts, at no cost for any of them. Value type,
/// any thread.
package struct PeerLimits: Sendable, Equatable {
    /// How long a host may not answer on an unused connection, whole seconds from 1 on; nil: it is
    /// never asked whether it is there.
    package var vanished: Duration?
    /// How long what was sent may stay unacknowledged, or a peer may not read, until the kernel
    /// breaks the connection; nil is the kernel's own limit, about a quarter of an hour.
    package var unacknowledged: Duration?

    /// Limits as the properties have them.
    package init(vanished: Duration? = nil, unacknowledged: Duration? = nil) {
        self.vanished = vanished
        self.unacknowledged = unacknowledged
    }
}

extension Descriptor {
    /// How long the peer has acknowledged nothing of what has been on its way to it since `since`,
    /// when the last of it was sent; in the loop's nanoseconds, 0 when nothing is on its way. One
    /// system call, and a second one while something is.
    package func unacknowledgedTime(since: UInt64, now: UInt64) -> UInt64 {
        guard unacknowledgedCount > 0, let milliseconds = millisecondsSinceAcknowledgement else {
            return 0
        }
        let heardAt = now &- milliseconds * 1_000_000
        let silent = heardAt > since && heardAt <= now ? heardAt : since
        return now > silent ? now - silent : 0
    }

    /// Milliseconds since the peer last acknowledged anything (tcp(7)). Nil when that is not known,
    /// and when the peer takes nothing now but answered the kernel's last probe: the kernel probes
    /// ever more seldom.
    fileprivate var millisecondsSinceAcknowledgement: UInt64? {
        var info = tcp_info()
        var length = socklen_t(MemoryLayout<tcp_info>.size)
        // The kernel writes at most `length` bytes.
        guard unsafe getsockopt(number, Int32(IPPROTO_TCP), TCP_INFO, &info, &length) == 0,
            info.tcpi_unacked > 0 || info.tcpi_probes >= 2
        else { return nil }
        return UInt64(info.tcpi_last_ack_recv)
    }

    /// Makes `limits` those of this connection, or of what this listening socket accepts from now
    /// on. Connections that wait there already keep what they have. Two to five system calls.
    package func setPeerLimits(_ limits: PeerLimits) {
        let milliseconds =
            limits.unacknowledged.map { Int32(clamping: $0.wholeNanoseconds / 1_000_000) } ?? 0
        setOption(Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, milliseconds)
        setOption(SOL_SOCKET, SO_KEEPALIVE, limits.vanished == nil ? 0 : 1)
        guard let vanished = limits.vanished else { return }
        // Asked after half of the time, then three times within the other half. The kernel takes no
        // more than 32,767 s for either.
        let seconds = Int32(clamping: min(max(1, vanished.components.seconds), 65_534))
        setOption(Int32(IPPROTO_TCP), TCP_KEEPIDLE, max(1, seconds / 2))
        setOption(Int32(IPPROTO_TCP), TCP_KEEPINTVL, max(1, seconds / 6))
        setOption(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
    }
}
