// SourceFindings: what an operator should know of a source's answers besides the instances.

package import Endpoints

/// What is odd about a source's last answer. Value type, any thread.
package struct SourceFindings: Sendable, Equatable {
    /// Answers that never name all there is.
    package struct Rotation: Sendable, Equatable {
        /// How many instances one answer names.
        package let answerCount: Int
        /// How many are known from the last answers together.
        package let memberCount: Int
        /// How many answers in a row may leave out one before it is dropped.
        package let patience: Int

        /// What `set` has come to; nil while its answers are whole.
        package init?<Member>(_ set: RotatingSet<Member>) {
            guard set.isRotating else { return nil }
            answerCount = set.answerCount
            memberCount = set.members.count
            patience = set.patience
        }
    }

    /// Entries that are not used.
    package var omissions = Omissions()
    /// How the answers are parts that change; nil while each is whole.
    package var rotation: Rotation?
    /// Addresses of instances that it lists, and whose checks by the registry fail.
    package var critical: Set<Endpoint> = []
    /// Addresses of instances that it lists in maintenance: somebody wants no requests on them.
    package var withdrawn: [Endpoint: String] = [:]

    /// Nothing is odd.
    package init() {}

    /// One sentence part for each finding; empty when nothing is odd.
    package var sentences: [String] {
        var sentences = omissions.isEmpty ? [] : ["\(omissions)"]
        if let rotation {
            sentences.append(
                "each answer names \(rotation.answerCount) of \(rotation.memberCount), others each "
                    + "time: they are gathered, and one that \(rotation.patience) answers in a row "
                    + "leave out is dropped")
        }
        return sentences
    }

    /// What is odd, without the numbers that change with every answer: a change of it is news.
    package var kinds: [String] {
        omissions.examples + (rotation == nil ? [] : ["rotation"])
    }
}
