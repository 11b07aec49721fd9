// Hosts that vanish: a side of a stream that is gone without closing shows by bytes that it does
// not acknowledge (Events/PeerWatch.swift). Both ends are looked at now and then; where no bytes
// are on their way, the kernel's keepalive finds out.

internal import Events

extension TCPRelay {
    /// How often the ends are looked at within the limit for a silent host.
    private static var looksPerLimit: UInt64 { 6 }

    /// When the ends are looked at next, in the loop's nanoseconds; `.max` without a limit of
    /// Fairlead's own.
    static func nextLook(_ listener: WorkerListener, after now: UInt64) -> UInt64 {
        listener.vanished.map { now + $0 / looksPerLimit } ?? .max
    }

    /// The end whose host has acknowledged nothing for longer than the limit; nil for none.
    func vanishedEnd(_ now: UInt64) -> RelayEnd? {
        looksAt = Self.nextLook(listener, after: now)
        guard let limit = listener.vanished else { return nil }
        if let client, isVanished(client, now, limit) { return client }
        if let server, isVanished(server, now, limit) { return server }
        return nil
    }

    private func isVanished(_ end: RelayEnd, _ now: UInt64, _ limit: UInt64) -> Bool {
        // Not at the beginning, since a stream that is over soon is not worth the calls.
        if !end.isKeptAlive {
            end.isKeptAlive = true
            end.descriptor.setPeerLimits(
                PeerLimits(vanished: .nanoseconds(Int64(clamping: limit))))
        }
        // Bytes may have been on their way for up to one interval before they were seen.
        return end.watch.silence(of: end.descriptor, now: now) >= limit - limit / Self.looksPerLimit
    }

    /// Ends the relay, since the host of `end` is gone: the other side gets what came before, then
    /// a reset.
    func vanished(_ end: RelayEnd) {
        guard let other = end.peer else { return }
        broken(by: end, other)
    }
}
