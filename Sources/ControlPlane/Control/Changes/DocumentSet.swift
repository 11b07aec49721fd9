// DocumentSet: the documents that sources add to the program's own configuration while it runs, and
// which of them can be read together. A document that is not valid stands as it did when it last
// was, or is left out, and keeps none of the others back. Pure: whoever owns it reads files and
// logs.

internal import Configuration
internal import Documents

/// The documents of one source. Value type.
struct SourceDocuments: Equatable {
    var fragments: [ConfigurationFragment] = []
    /// Why some can't even be read; then no document of any source is taken up.
    var problems: [String] = []
}

/// The documents of all sources. Value type.
struct DocumentSet {
    private var bySource: [String: SourceDocuments] = [:]
    /// Sources whose documents have changed since they were read last.
    private var changed: Set<String> = []
    /// Each document as it was when it was applied last, by its name.
    private var applied: [String: ConfigurationFragment] = [:]

    /// How often documents are left out of one reading: each time leaves out at least one, and
    /// shows what is wrong without it.
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

    /// Makes `documents` all that `source` says, in the place of what it said before; without
    /// fragments and problems it says nothing any more. Returns whether that is a change.
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

    /// Reads all documents that are valid with the others; one that is not stands as it was when it
    /// was applied last, or is left out.
    func read(
        _ load: ([ConfigurationFragment]) throws(ConfigurationErrors) -> LoadedConfiguration
    ) -> Result<Valid, Failure> {
        // In the order of their names, so that the same documents always make the same whole.
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
                // What is wrong outside of the documents is not mended by leaving some out.
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
