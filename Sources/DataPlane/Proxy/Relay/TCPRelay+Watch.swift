// Hosts that vanish: a stream's side that is gone without a word shows by what it does not
// acknowledge (Events/PeerWatch.swift). Both ends are looked at now and then; where nothing is on
// its way, the kernel's keepalive does it.

internal import Events

extension TCPRelay {
    /// How often the ends are looked at within the time for which a host may be gone.
    private static var looksPerLimit: UInt64 { 6 }

    /// When the ends are looked at next, in the loop's nanoseconds; `.max` when a host may be gone
    /// for as long as the kernel lets it.
    static func nextLook(_ listener: WorkerListener, after now: UInt64) -> UInt64 {
        listener.vanished.map { now + $0 / looksPerLimit } ?? .max
    }

    /// Looks at both ends, and says which has acknowledged nothing for as long as a host may be
    /// gone.
    func vanishedEnd(_ now: UInt64) -> RelayEnd? {
        looksAt = Self.nextLook(listener, after: now)
        guard let limit = listener.vanished else { return nil }
        if let client, isVanished(client, now, limit) { return client }
        if let server, isVanished(server, now, limit) { return server }
        return nil
    }

    private func isVanished(_ end: RelayEnd, _ now: UInt64, _ limit: UInt64) -> Bool {
        // Here and not at the begin, since a stream that is over soon is not worth the calls.
        if !end.isKeptAlive {
            end.isKeptAlive = true
            end.descriptor.setPeerLimits(
                PeerLimits(vanished: .nanoseconds(Int64(clamping: limit))))
        }
        // Bytes may have been on their way for one step before a look saw them.
        return end.watch.silence(of: end.descriptor, now: now) >= limit - limit / Self.looksPerLimit
    }

    /// The host of `end` is gone: the other side gets what came before, then a reset.
    func vanished(_ end: RelayEnd) {
        guard let other = end.peer else { return }
        broken(by: end, other)
    }
}
