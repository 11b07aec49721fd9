// Tier: the order of fail-over. A service may have several sources, of which each is for the case
// that the one before it has nothing left (another datacentre); within a source, SRV priorities say
// the same, and within a priority, where the service prefers a zone, those of that zone go first.

/// Where a backend stands in the order of fail-over: the lowest tier that can serve gets the
/// traffic. Value type, any thread.
package struct Tier: Hashable, Sendable, Comparable {
    /// The place of its source among those of the service, from 0; `Roster.placesMax` at most.
    package let place: UInt8
    /// The RFC 2782 priority that the source gives it.
    package let priority: UInt16

    /// Whether it is outside the zone that its service prefers: behind those within it.
    package let isElsewhere: Bool

    /// Whether its source has stopped naming it: behind all those that it names, for when these
    /// can't carry the load. A request that finds those before it full goes here, as one that finds
    /// them gone does.
    package let isReserve: Bool

    /// The tier of a priority within the source at a place.
    package init(
        place: UInt8 = 0, priority: UInt16, isElsewhere: Bool = false, isReserve: Bool = false
    ) {
        self.place = place
        self.priority = priority
        self.isElsewhere = isElsewhere
        self.isReserve = isReserve
    }

    /// By place, then what its source names first, then by priority, then what is in the zone
    /// first.
    package static func < (left: Tier, right: Tier) -> Bool {
        left.order < right.order
    }

    private var order: (UInt8, Int, UInt16, Int) {
        (place, isReserve ? 1 : 0, priority, isElsewhere ? 1 : 0)
    }
}
