// Goal: a bad document is replaced by its last valid version or left out, and never affects the
// others. Method: documents that name a service, read by a loader that refuses some of them.

import Configuration
import Documents
import Testing

@testable import Control

@Suite struct DocumentSetTests {
    private func fragment(_ name: String, _ text: String) -> ConfigurationFragment {
        ConfigurationFragment(.service(name), NamedText(name: "kv:services/\(name)", text: text))
    }

    private func load(
        _ fragments: [ConfigurationFragment], own: String = ""
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        let text = """
            \(own)
            services: {own: {srv: _own.test}}
            listeners: [{name: web, listen: "127.0.0.1:0", service: own}]
            """
        return try ConfigurationLoader.load(
            file: NamedText(name: "test.yaml", text: text), fragments: fragments,
            processorCount: 1)
    }

    /// What can be read of `documents`, with the names of the services that come of it.
    private func read(
        _ documents: DocumentSet
    ) throws -> (valid: DocumentSet.Valid, services: [String]) {
        let valid = try documents.read({ (all) throws(ConfigurationErrors) in try load(all) }).get()
        return (valid, valid.configuration.configuration.services.map(\.name).sorted())
    }

    @Test("a bad document is left out, and later stands as it was when it was last applied")
    func bad() throws {
        var documents = DocumentSet()
        let good = SourceDocuments(fragments: [fragment("a", "srv: _a.test")])
        let bad = SourceDocuments(
            fragments: [fragment("a", "srvv: x"), fragment("b", "srv: _b.test")])
        _ = documents.set(bad, from: "kv")
        let first = try read(documents)
        #expect(first.services == ["b", "own"])
        #expect(!first.valid.leftOut.isEmpty)
        #expect(first.valid.leftOut.allSatisfy { $0.hasPrefix("kv:services/a:") })

        _ = documents.set(good, from: "kv")
        documents.setApplied(try read(documents).valid.fragments)
        _ = documents.set(bad, from: "kv")
        let second = try read(documents)
        #expect(second.services == ["a", "b", "own"])
        #expect(second.valid.fragments.first == good.fragments[0])
        #expect(second.valid.leftOut == first.valid.leftOut)
    }

    @Test("an error outside of the documents, and one that can't be read, fail the whole")
    func failure() throws {
        var documents = DocumentSet()
        _ = documents.set(
            SourceDocuments(fragments: [fragment("a", "srv: _a.test")]), from: "kv")
        let result = documents.read { (all) throws(ConfigurationErrors) in
            try load(all, own: "workers: none")
        }
        #expect(throws: DocumentSet.Failure.self) { try result.get() }
        _ = documents.set(SourceDocuments(problems: ["kv:b: not UTF-8"]), from: "tags")
        let failure = try #require(throws: DocumentSet.Failure.self) { try read(documents) }
        #expect(failure.reasons == ["kv:b: not UTF-8"])
    }

    @Test("only what differs is a change, and each change is returned once")
    func changes() {
        var documents = DocumentSet()
        let (none, one) = (
            SourceDocuments(), SourceDocuments(fragments: [fragment("a", "srv: _a.test")])
        )
        var found = [(none, "kv"), (one, "tags"), (one, "kv"), (one, "kv")].map {
            documents.set($0, from: $1)
        }
        #expect(found == [false, true, true, false])
        var sources = documents.removeChanges()
        #expect(sources == ["kv", "tags"])
        sources = documents.removeChanges()
        #expect(sources == [])
        #expect(documents.hasDocuments(from: "kv"))
        found = [documents.set(none, from: "kv")]
        #expect(found == [true])
        #expect(!documents.hasDocuments(from: "kv"))
        sources = documents.removeChanges()
        #expect(sources == ["kv"])
    }
}
