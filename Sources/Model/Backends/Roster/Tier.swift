// Tier: the order of fail-over. A service may have several sources, each of them for when the one
// before it has nothing left (another datacentre). Within a source SRV priorities do the same;
// within a priority backends of the preferred zone go first, if the service prefers one.

/// Where a backend stands in the order of fail-over: the lowest tier that can serve gets the
/// traffic. Value type, any thread.
package struct Tier: Hashable, Sendable, Comparable {
    /// The place of its source among those of the service, from 0; `Roster.placesMax` at most.
    package let place: UInt8
    /// The RFC 2782 priority that the source gives it.
    package let priority: UInt16

    /// Whether it is outside the zone that its service prefers: behind those within it.
    package let isElsewhere: Bool

    /// Whether its source has stopped naming it: it comes after all that the source names, for when
    /// these can't carry the load. A request goes here when those before it are full or gone.
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
