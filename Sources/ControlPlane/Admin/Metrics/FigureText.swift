// Figures as people read them.

/// How long ago or for how long, as people say it: `12 s`, `3 min`, `5 h 10 min`, `2 d 3 h`.
package struct AgeText: CustomStringConvertible {
    /// The text.
    package let description: String

    /// `seconds` below 0, as after a step of the clock, count as 0.
    package init(_ seconds: Double) {
        let seconds = Int(min(max(seconds, 0), 1e12))
        switch seconds {
        case ..<120: description = "\(seconds) s"
        case ..<7200: description = "\(seconds / 60) min"
        case ..<172_800: description = "\(seconds / 3600) h \(seconds / 60 % 60) min"
        default: description = "\(seconds / 86_400) d \(seconds / 3600 % 24) h"
        }
    }
}
