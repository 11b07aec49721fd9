// Omissions: what a source had to leave out of an answer. One entry that makes no sense must
// neither spoil the others nor vanish without a word, so it is counted, and the first few are
// quoted.

internal import DNSClient
package import DNSWire

/// Entries of one answer that are not used, and why. Value type, any thread.
package struct Omissions: Sendable, Equatable {
    /// Entries that are quoted; the others are only counted.
    package static let examplesMax = 5
    /// Characters of one quotation: what is left out may be of any length.
    private static let exampleLengthMax = 200

    /// How many were left out.
    package private(set) var count = 0
    /// The first of them, each as `what: why`.
    package private(set) var examples: [String] = []

    /// Nothing is left out.
    package init() {}

    /// Whether nothing is left out.
    package var isEmpty: Bool { count == 0 }

    /// A line for each that is quoted, and one for the others.
    package var lines: [String] {
        let more = count - examples.count
        return examples + (more > 0 ? ["and \(more) more"] : [])
    }

    /// Leaves out `count` entries for the reason in `example`, which is built only if it is kept.
    package mutating func add(_ example: @autoclosure () -> String, count: Int = 1) {
        guard count > 0 else { return }
        self.count += count
        guard examples.count < Self.examplesMax else { return }
        examples.append(String(example().prefix(Self.exampleLengthMax)))
    }

    /// Leaves out what `other` leaves out as well.
    package mutating func add(_ other: Omissions) {
        count += other.count
        examples += other.examples.prefix(Self.examplesMax - examples.count)
    }
}

extension Omissions: CustomStringConvertible {
    /// A clause for people: `2 left out: … ; …`.
    package var description: String {
        guard !isEmpty else { return "nothing left out" }
        return "\(count) left out: " + lines.joined(separator: "; ")
    }
}

extension Omissions {
    /// What can't be read in the answer section of `message`.
    package init(unreadableIn message: Message) {
        self.init()
        for (record, error) in AnswerChain(message).unreadable {
            add("the \(record.type) record of \(record.name.hostName): \(error)")
        }
    }
}
