// AnswerMemory: the last good answer of each source, kept beyond the end of the process, so that
// one that starts while the registry is away can begin where the last one was. Only good answers
// are kept: what checks and traffic said of the backends is found out again.

package import Backends
internal import Endpoints
internal import JSON

/// Last good answers by service and source. Value type.
package struct AnswerMemory: Sendable, Equatable {
    /// Which source of which service.
    package struct Key: Hashable, Sendable {
        /// The service's name.
        package let service: String
        /// `Source.summary`.
        package let source: String

        /// Both are required.
        package init(service: String, source: String) {
            self.service = service
            self.source = source
        }
    }

    /// A good answer.
    package struct Answer: Sendable, Equatable {
        /// When it came, in seconds since 1970.
        package let at: Double
        /// What it named; never empty.
        package let instances: [Instance]
    }

    private var answers: [Key: Answer] = [:]
    /// Rises whenever other instances are remembered, not when the same ones are.
    package private(set) var changes = 0

    /// What deploys have put in the place of configured lists, by service.
    package var deployed: [String: DeployedSet] = [:] {
        didSet { if deployed != oldValue { changes += 1 } }
    }

    /// Remembers nothing.
    package init() {}

    /// Whether it remembers nothing.
    package var isEmpty: Bool { answers.isEmpty && deployed.isEmpty }

    /// The last good answer of a source; nil for none.
    package subscript(_ key: Key) -> Answer? { answers[key] }

    /// Remembers a good answer; `at` is in seconds since 1970. An empty answer is not good.
    package mutating func remember(_ instances: [Instance], of key: Key, at: Double) {
        guard !instances.isEmpty else { return }
        // Ages change all the time, and are not kept.
        if answers[key]?.instances != instances { changes += 1 }
        answers[key] = Answer(at: at, instances: instances)
    }

    /// Forgets the sources that `isWanted` does not want.
    package mutating func forget(unless isWanted: (Key) -> Bool) {
        let wanted = answers.filter { isWanted($0.key) }
        if wanted.count < answers.count { changes += 1 }
        answers = wanted
    }

    // MARK: - As text

    /// Why a text can't be read, as a clause for the operator.
    package struct Malformed: Error, Equatable, CustomStringConvertible {
        /// What was found and expected.
        package let description: String
    }

    /// The answers as JSON, in an order that depends on nothing but the answers.
    package var json: [UInt8] {
        let sorted = answers.sorted {
            ($0.key.service, $0.key.source) < ($1.key.service, $1.key.source)
        }
        let document = Document(
            fairlead: Document.version, answers: sorted.map { Document.Answer($0.key, $0.value) },
            deployed: deployed.isEmpty ? nil : deployed)
        // Names and numbers alone: JSON can say all of it except a time that is no number, which no
        // clock gives.
        return JSON.encode(document).map { $0 + [0x0a] } ?? []
    }

    /// What `json` has said.
    ///
    /// - Throws: for anything else.
    package init(json: [UInt8]) throws(Malformed) {
        let document: Document
        do throws(JSON.Malformed) {
            document = try JSON.decode(Document.self, from: json)
        } catch {
            throw Malformed(
                description: "found no state of Fairlead, expected its JSON: \(error.reason)")
        }
        guard document.fairlead == Document.version else {
            throw Malformed(
                description: "found version \(document.fairlead), expected \(Document.version)")
        }
        for answer in document.answers {
            let instances = answer.instances.compactMap(\.instance)
            guard instances.count == answer.instances.count else {
                throw Malformed(
                    description: "found an endpoint of service \(answer.service) that is no "
                        + "ADDRESS:PORT")
            }
            remember(
                instances, of: Key(service: answer.service, source: answer.source), at: answer.at)
        }
        for (service, set) in document.deployed ?? [:] {
            guard set.isWhole else {
                throw Malformed(
                    description: "found an endpoint of a deploy of \(service) that is no "
                        + "ADDRESS:PORT")
            }
            deployed[service] = set
        }
        changes = 0
    }

    private struct Document: Codable {
        static let version = 1
        var fairlead: Int
        var answers: [Answer]
        /// Nil in a file of a version that knew no deploys.
        var deployed: [String: DeployedSet]?

        struct Answer: Codable {
            var service: String
            var source: String
            var at: Double
            var instances: [InstanceRecord]

            init(_ key: Key, _ answer: AnswerMemory.Answer) {
                service = key.service
                source = key.source
                at = answer.at
                instances = answer.instances.map(InstanceRecord.init)
            }
        }
    }
}
