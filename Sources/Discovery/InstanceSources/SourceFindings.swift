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

    /// Something that is part of the service, and gets no requests.
    package struct Idle: Sendable, Equatable {
        /// What people call it: `shop_web_1`.
        package let name: String
        /// Keys and values, as an instance has them.
        package let metadata: [String: String]
        /// Why it gets none: a clause.
        package let reason: String
        /// Whether its process is over: `reason` says how it ended.
        package let hasEnded: Bool

        /// A member with all that is known of it.
        package init(
            name: String, metadata: [String: String], reason: String, hasEnded: Bool = false
        ) {
            self.name = name
            self.metadata = metadata
            self.reason = reason
            self.hasEnded = hasEnded
        }
    }

    /// Entries that are not used.
    package var omissions = Omissions()
    /// What is part of the service and no instance, if the source knows it; those whose process
    /// runs come first.
    package var idle: [Idle] = []
    /// Choices that the source made and that the operator may want to make, a clause each.
    package var remarks: [String] = []
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
        var sentences = (omissions.isEmpty ? [] : ["\(omissions)"]) + remarks
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
        omissions.examples + remarks + (rotation == nil ? [] : ["rotation"])
    }
}
