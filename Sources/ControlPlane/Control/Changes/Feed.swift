// Feed: what is followed that adds to the configuration while the program runs.

/// One watch, and what came of it. Value type, control thread.
struct Feed {
    /// What is watched: `Consul K/V fairlead/`.
    let summary: String
    /// When it last answered; nil before the first answer.
    var lastGoodAt: ContinuousClock.Instant?
    /// Why it fails now; nil while it works.
    var failure: String?
    /// What is left out of its last answer, a line each.
    var problems: [String] = []
}
