// Split: requests of one route that go to several services, each its share of them: a new version
// gets a few percent of the traffic at first.

/// Shares of services. Immutable, any thread.
package struct Split: Sendable {
    /// Places among the table's `services`.
    private let places: [Int]
    /// The shares added up, place by place; the last is the sum.
    private let bounds: [Int]

    /// - Precondition: there is a share, and none is below 0 nor all are 0.
    init(_ shares: [(place: Int, share: Int)]) {
        places = shares.map(\.place)
        var sum = 0
        bounds = shares.map { share in
            precondition(share.share >= 0)
            sum += share.share
            return sum
        }
        precondition(sum > 0)
    }

    /// The place of the service for a request, by a random number.
    package func place(_ random: UInt64) -> Int {
        // The bias of the remainder is one in 2^50 at shares of percent.
        let point = Int(random % UInt64(bounds[bounds.count - 1]))
        var index = 0
        while bounds[index] <= point { index += 1 }
        return places[index]
    }
}
