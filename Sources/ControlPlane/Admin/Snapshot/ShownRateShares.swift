// ShownRateShares: what the admin port shows of limits that several processes have together.

/// Among how many processes limits are divided, and who says so. Value type, any thread.
package struct ShownRateShares: Sendable, Equatable {
    /// `Consul service edge`.
    package var place: String
    /// How many processes; at least 1.
    package var count: Int
    /// Why that can't be found out now, and what comes of it; nil while it can.
    package var problem: String?

    /// A value with all of its properties.
    package init(place: String, count: Int, problem: String?) {
        self.place = place
        self.count = count
        self.problem = problem
    }
}
