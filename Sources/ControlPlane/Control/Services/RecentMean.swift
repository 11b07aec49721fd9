// RecentMean: the recent level of a figure that swings.

/// An exponential mean of the last few values. Value type.
struct RecentMean {
    /// The share of a new value, of 1.
    private static let share = 0.3

    /// The mean; 0 before the first value.
    private(set) var mean = 0.0
    private var hasValue = false

    /// Adds a value. With one a second, the mean covers some three seconds.
    mutating func add(_ value: Double) {
        mean = hasValue ? mean + (value - mean) * Self.share : value
        hasValue = true
    }
}
