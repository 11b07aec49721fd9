// Roster+Failover: which of several sources (datacentres) serves, and when the better one does
// again. The tiers of a rotation put each source behind the one before it; here is what happens at
// the change from one to the other, and back.
//
// | what happens                                  | what follows                                 |
// |-----------------------------------------------|----------------------------------------------|
// | the last backend of a source that is up, is   | the next source that has one up serves;      |
// |  no more                                      |  told                                        |
// | the first one of it is up again, and a later  | with `failoverReturn` it waits behind the    |
// |  source has one up                            |  others for so long; told. Else it serves    |
// | … and none is up again before that is over    | the wait is over, and begins again with the  |
// |                                               |  next return: a link that flaps stays out    |
// | that time is over                             | it serves; told                              |
// | no later source has one up any more           | it serves at once: there is nobody to wait   |
// |                                               |  for                                         |
//
// A source whose backends were never up has nothing to return from: a start waits for nobody.

extension Roster {
    /// Until when backends of the source at `place` wait behind those of later sources although
    /// they are up; nil when they don't.
    package func returnsAt(place: UInt8) -> ContinuousClock.Instant? {
        sources.indices.contains(Int(place)) ? sources[Int(place)].returnsAt : nil
    }

    /// The places that wait behind the later ones.
    var returningPlaces: Set<UInt8> {
        guard sources.count > 1 else { return [] }
        return Set(sources.indices.filter { sources[$0].returnsAt != nil }.map { UInt8($0) })
    }

    /// So many more backends of the source at `place` are up: one, or one less.
    func countUp(_ change: Int, of place: UInt8, now: ContinuousClock.Instant) {
        let place = Int(place)
        sources[place].up += change
        guard sources.count > 1 else { return }
        switch (sources[place].up, change) {
        case (0, -1): leave(place, now: now)
        case (1, 1): comeBack(place, now: now)
        default: break
        }
    }

    /// A backend that is up belongs to another source than before. While the sources are exchanged
    /// the old one may be none any more; `recountUp` follows then.
    func moveUp(from old: UInt8, to new: UInt8) {
        guard sources.indices.contains(Int(old)) else { return }
        sources[Int(old)].up -= 1
        sources[Int(new)].up += 1
    }

    /// Counts again, since the sources are others.
    func recountUp() {
        for place in sources.indices {
            sources[place].up = table.count { $0.place == place && $0.state.phase == .up }
        }
    }

    private func leave(_ place: Int, now: ContinuousClock.Instant) {
        let served = sources[..<place].allSatisfy { $0.up == 0 || $0.returnsAt != nil }
        sources[place].isAway = true
        endWait(of: place)
        if let next = nextUp(after: place) {
            guard served else { return }
            record(
                .failedOver(from: title(UInt8(place)), to: title(UInt8(next))), now: now)
            return
        }
        // There is nobody left to wait for.
        for earlier in sources.indices[..<place] where sources[earlier].returnsAt != nil {
            guard nextUp(after: earlier) == nil else { continue }
            endWait(of: earlier)
            record(.failedBack(title(UInt8(earlier))), now: now)
        }
    }

    private func comeBack(_ place: Int, now: ContinuousClock.Instant) {
        guard sources[place].isAway else { return }
        sources[place].isAway = false
        guard nextUp(after: place) != nil else { return }
        guard let wait = options.failoverReturn else {
            record(.failedBack(title(UInt8(place))), now: now)
            return
        }
        sources[place].returnsAt = now + wait
        isPublishedStale = true
        arm(now + wait)
        record(.returning(title(UInt8(place)), after: wait), now: now)
    }

    /// Lets the sources serve that have waited long enough.
    func endWaits(now: ContinuousClock.Instant) {
        for place in sources.indices {
            guard let end = sources[place].returnsAt, end <= now else { continue }
            endWait(of: place)
            record(.failedBack(title(UInt8(place))), now: now)
        }
    }

    /// Ends all waits: they are not asked for any more.
    func dropWaits() {
        for place in sources.indices { endWait(of: place) }
    }

    private func endWait(of place: Int) {
        guard sources[place].returnsAt != nil else { return }
        sources[place].returnsAt = nil
        isPublishedStale = true
    }

    private func nextUp(after place: Int) -> Int? {
        sources.indices.dropFirst(place + 1).first { sources[$0].up > 0 }
    }
}
