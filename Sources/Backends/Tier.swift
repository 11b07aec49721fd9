// Tier: the order of fail-over. A service may have several sources, of which each is for the case that
// the one before it has nothing left (another datacentre); within a source, SRV priorities say the same.

/// Where a backend stands in the order of fail-over: the lowest tier that can serve gets the traffic.
/// Value type, any thread.
package struct Tier: Hashable, Sendable, Comparable {
    /// The place of its source among those of the service, from 0; `Roster.placesMax` at most.
    package let place: UInt8
    /// The RFC 2782 priority that the source gives it.
    package let priority: UInt16

    /// The tier of a priority within the source at a place.
    package init(place: UInt8 = 0, priority: UInt16) {
        self.place = place
        self.priority = priority
    }

    /// By place, then by priority.
    package static func < (left: Tier, right: Tier) -> Bool {
        (left.place, left.priority) < (right.place, right.priority)
    }
}
