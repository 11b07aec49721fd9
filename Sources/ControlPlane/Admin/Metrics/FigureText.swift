// Figures as people read them.

internal import Wording

/// How long ago or for how long, in whole seconds and by the rule of `Duration.spoken`: `12 s`, `2
/// min 30 s`, `5 h 10 min`.
package struct AgeText: CustomStringConvertible {
    /// The text.
    package let description: String

    /// `seconds` below 0, as after a step of the clock, count as 0.
    package init(_ seconds: Double) {
        description = Duration.seconds(Int(min(max(seconds, 0), 1e12))).spoken
    }
}
