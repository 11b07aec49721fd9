// LossStatus: which backends serve after a source has stopped naming most of them, for the admin
// port.

/// The backends that a source stopped naming and that still serve. A copy does not follow the
/// roster. Control thread.
package struct LossStatus: Sendable, Equatable {
    /// When they were lost.
    package let at: ContinuousClock.Instant
    /// How many instances the last good answer named.
    package let named: Int
    /// How many are held: behind those named, or beside them.
    package let held: Int
    /// When the last of these is released; nil when none is held.
    package let until: ContinuousClock.Instant?
    /// Whether those held serve beside those named.
    package let hasJoined: Bool
    /// How many old ones serve until new ones are up in their place.
    package let replaced: Int
    /// How many new ones are named since.
    package let arrivals: Int
    /// How many of these are up.
    package let arrivalsUp: Int
}
