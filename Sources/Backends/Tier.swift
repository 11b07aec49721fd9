// Tier: the order of fail-over. A service may have several sources, of which each is for the case that
// the one before it has nothing left (another datacentre); within a source, SRV priorities say the same,
// and within a priority, where the service prefers a zone, those of that zone go first.

/// Where a backend stands in the order of fail-over: the lowest tier that can serve gets the traffic.
/// Value type, any thread.
package struct Tier: Hashable, Sendable, Comparable {
    /// The place of its source among those of the service, from 0; `Roster.placesMax` at most.
    package let place: UInt8
    /// The RFC 2782 priority that the source gives it.
    package let priority: UInt16

    /// Whether it is outside the zone that its service prefers: behind those within it.
    package let isElsewhere: Bool

    /// The tier of a priority within the source at a place.
    package init(place: UInt8 = 0, priority: UInt16, isElsewhere: Bool = false) {
        self.place = place
        self.priority = priority
        self.isElsewhere = isElsewhere
    }

    /// By place, then by priority, then what is in the zone first.
    package static func < (left: Tier, right: Tier) -> Bool {
        let places = (left.place, left.priority, left.isElsewhere ? 1 : 0)
        return places < (right.place, right.priority, right.isElsewhere ? 1 : 0)
    }
}
