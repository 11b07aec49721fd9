// DocumentSet: the documents that sources add to the program's own configuration while it runs, and
// which of them can be read together. A document that is not valid is replaced by its last valid
// version, or left out; the others are read all the same. Pure: its owner reads files and logs.

internal import Configuration
internal import Documents

/// The documents of one source. Value type.
struct SourceDocuments: Equatable {
    var fragments: [ConfigurationFragment] = []
    /// Why some can't even be read. While there are any, no document of any source is applied.
    var problems: [String] = []
}

/// The documents of all sources. Value type.
struct DocumentSet {
    private var bySource: [String: SourceDocuments] = [:]
    /// Sources whose documents have changed since they were read last.
    private var changed: Set<String> = []
    /// Each document as it was last applied, by name.
    private var applied: [String: ConfigurationFragment] = [:]

    /// How many rounds of leaving documents out one reading has: each round leaves out at least
    /// one, and shows what is wrong without it.
    private static let leaveOutsMax = 16

    /// What can be read together.
    struct Valid {
        let configuration: LoadedConfiguration
        /// The documents in it.
        let fragments: [ConfigurationFragment]
        /// Why documents are left out, or stand as they were before, a line each.
        let leftOut: [String]
    }

    /// Why nothing can be read.
    struct Failure: Error {
        /// A line each; never empty.
        let reasons: [String]
    }

    /// Replaces the documents of `source`; without fragments and problems it has none any more.
    /// Returns whether that changes anything.
    mutating func set(_ documents: SourceDocuments, from source: String) -> Bool {
        let none = SourceDocuments()
        guard documents != bySource[source, default: none] else { return false }
        bySource[source] = documents == none ? nil : documents
        changed.insert(source)
        return true
    }

    /// Whether `source` has any.
    func hasDocuments(from source: String) -> Bool {
        bySource[source]?.fragments.isEmpty == false
    }

    /// The sources whose documents have changed since the last call, sorted.
    mutating func removeChanges() -> [String] {
        defer { changed = [] }
        return changed.sorted()
    }

    /// Remembers that these documents are in the configuration that runs.
    mutating func setApplied(_ fragments: [ConfigurationFragment]) {
        applied = Dictionary(fragments.map { ($0.document.name, $0) }) { first, _ in first }
    }

    /// Reads all documents that are valid together. One that is not is replaced by its last applied
    /// version, or left out.
    func read(
        _ load: ([ConfigurationFragment]) throws(ConfigurationErrors) -> LoadedConfiguration
    ) -> Result<Valid, Failure> {
        // Sorted by source, so that the same documents always give the same configuration.
        let all = bySource.sorted { $0.key < $1.key }.map(\.value)
        let problems = all.flatMap(\.problems)
        guard problems.isEmpty else { return .failure(Failure(reasons: problems)) }
        var fragments = all.flatMap(\.fragments)
        var leftOut: [String] = []
        for _ in 0..<Self.leaveOutsMax {
            do throws(ConfigurationErrors) {
                return .success(
                    Valid(
                        configuration: try load(fragments), fragments: fragments,
                        leftOut: leftOut))
            } catch {
                let lines = "\(error)".split(separator: "\n").map(String.init)
                leftOut += lines
                let odd = Set(error.problems.map(\.document))
                let names = Set(fragments.map(\.document.name))
                // Leaving documents out can't fix what is wrong elsewhere.
                guard odd.allSatisfy({ $0.map(names.contains) ?? false }) else {
                    return .failure(Failure(reasons: lines))
                }
                fragments = fragments.compactMap { fragment in
                    guard odd.contains(fragment.document.name) else { return fragment }
                    let before = applied[fragment.document.name]
                    return before == fragment ? nil : before
                }
            }
        }
        return .failure(Failure(reasons: leftOut))
    }
}
