// SourceFindings: what an operator should know of a source's answers besides the instances.

/// What is odd about a source's last answer. Value type, any thread.
package struct SourceFindings: Sendable, Equatable {
    /// Entries that are not used.
    package var omissions = Omissions()

    /// Nothing is odd.
    package init() {}

    /// One sentence part for each finding; empty when nothing is odd.
    package var sentences: [String] {
        omissions.isEmpty ? [] : ["\(omissions)"]
    }
}
