// RecentMean: what a figure that swings has been about lately.

/// The mean of the last few values, the newer the more. Value type.
struct RecentMean {
    /// How much a new value counts, of 1.
    private static let share = 0.3

    /// The mean; 0 before the first value.
    private(set) var mean = 0.0
    private var hasValue = false

    /// Adds a value; one a second makes a mean of some three seconds.
    mutating func add(_ value: Double) {
        mean = hasValue ? mean + (value - mean) * Self.share : value
        hasValue = true
    }
}
