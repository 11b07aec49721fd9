// BodyLimits: how large the bodies of requests and responses may be. None by default: uploads and
// downloads are streamed, and cost Fairlead no memory, whatever their size.

/// Limits of bodies, in bytes of payload as it is transferred. Value type, any thread.
package struct BodyLimits: Sendable, Hashable {
    /// A request's body; `.max` for any.
    package var request = Int.max
    /// A response's body; `.max` for any.
    package var response = Int.max

    /// No limits.
    package init() {}

    /// Whether there is a limit.
    package var areSet: Bool { request != .max || response != .max }
}
