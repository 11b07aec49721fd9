// The examples of the documents, held against the program.

internal import Configuration
internal import Documents
internal import FoundationEssentials
internal import Subprocess
import Testing

// Goal: what a reader copies from a document works. Method: each `yaml` block is loaded as a
// configuration; each `sh` block is parsed by bash and has an entry below, which names the test
// that runs it or the reason why none does.
@Suite struct Examples {
    /// Why an `sh` block of a document can be trusted.
    enum Proof {
        /// A test, by its name, does what the block does.
        case test(String)
        /// No test runs it, for this reason.
        case reason(String)
    }

    /// By the document, and by what its block begins with.
    static let proofs: [String: [String: Proof]] = [
        "README.md": [
            "conf/install-packages run": .reason(".ci/run does it; it takes minutes"),
            "conf/package deb": .reason("conf/package-test installs it, ImageTests run the image"),
            "curl http://127.0.0.1:8080/ ": .test(
                "a crash costs no request, and the instance is back when it is started"),
            "fairlead explain": .test("a name with addresses alone is told what to write"),
            "fairlead run --listen": .test("flags alone start it, and win over the environment"),
        ],
        "Tests/README.md": [
            "conf/install-packages test": .reason("it is how this test is run"),
            "swift test --filter": .reason("it is how this test is run"),
            "Tests/Fuzzers/run 60": .reason(".ci/run does it; it takes minutes"),
        ],
        "bench/README.md": [
            "swift build -c release": .reason("it needs root and two quiet processors for an hour")
        ],
        "conf/README.md": [
            "fairlead deploy web": .test(
                "a good deploy moves everything, fails no request, and ends with 0"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": .test(
                "requests of curl by HTTP 1 and 2 are in the collector and in the log"),
            "fairlead run --listen": .test("the environment alone starts it"),
            "fairlead env": .test("it waits for what is required, or fails and says what"),
            "fairlead registrar": .test(
                "a HEALTHCHECK is a check of Consul's, and what is wrong is shown"),
            "curl -X POST 127.0.0.1:9090/backends": .test(
                "a weight, a check and an ejection do what they say"),
            "curl -N -H": .test("a hundred listeners that do not read leave the listener alone"),
        ],
    ]

    @Test func `every configuration in a document is valid and causes no warning`() throws {
        var found = 0
        for document in try Tree.documents() {
            for block in Self.blocks(in: document.text) where block.language == "yaml" {
                for text in Self.configurations(block) {
                    found += 1
                    #expect(Self.problems(of: text) == [], "\(document.path):\(block.line)")
                }
            }
        }
        #expect(found > 20)
    }

    @Test func `every command in a document parses, and a test or a reason stands for it`()
        async throws
    {
        let names = try Set(
            Tree.swiftFiles(in: "Tests").flatMap { file in
                file.lines.joined(separator: "\n").matches(of: /func `([^`]+)`/).map {
                    String($0.1)
                }
            })
        var unused = Self.proofs.mapValues { Set($0.keys) }
        for document in try Tree.documents() {
            for block in Self.blocks(in: document.text) where block.language == "sh" {
                let place = "\(document.path):\(block.line)"
                let said = try await run(
                    .name("bash"), arguments: ["-n"], input: .string(block.text),
                    output: .discarded, error: .string(limit: 1 << 16))
                #expect(said.standardError == "", "\(place): bash can't parse it")
                let beginning = Self.proofs[document.path]?.keys.first {
                    block.text.hasPrefix($0)
                }
                guard let beginning else {
                    Issue.record("\(place): name the test that runs it in Examples.proofs")
                    continue
                }
                unused[document.path]?.remove(beginning)
                if case .test(let name)? = Self.proofs[document.path]?[beginning] {
                    #expect(names.contains(name), "\(place): there is no test `\(name)`")
                }
            }
        }
        unused = unused.filter { !$0.value.isEmpty }
        #expect(unused.isEmpty, "no block of these documents begins so")
    }

    @Test func `every stored result of the bench is linked from a document`() throws {
        let page = try Tree.text("bench/README.md")
        let stored = try FileManager.default.contentsOfDirectory(
            atPath: "\(Tree.root)/bench/results")
        for name in stored.sorted() where name != ".gitkeep" {
            #expect(
                page.contains("(results/\(name))"),
                "bench/README.md does not link results/\(name): link it, or delete it")
        }
    }

    @Test func `blocks are read as they are written`() {
        let text = "a\n```yaml service\nb: 1\nc: 2\n```\n```\nd\n```\n```sh\ne\n```\n"
        #expect(
            Self.blocks(in: text) == [
                Block(language: "yaml", kind: "service", line: 2, text: "b: 1\nc: 2\n"),
                Block(language: "", kind: "", line: 6, text: "d\n"),
                Block(language: "sh", kind: "", line: 9, text: "e\n"),
            ])
    }

    /// A fenced block of a document.
    struct Block: Equatable {
        /// `yaml`, `sh`, …; empty for a block that is in no language.
        var language: Substring
        /// What a `yaml` block is, see `configurations`.
        var kind: Substring
        /// Where it begins, from 1.
        var line: Int
        var text: String
    }

    /// The fenced blocks of a text in Markdown.
    static func blocks(in text: String) -> [Block] {
        var blocks: [Block] = []
        var open: Block?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            if line.hasPrefix("```") {
                if let block = open {
                    blocks.append(block)
                    open = nil
                } else {
                    let words = line.dropFirst(3).split(separator: " ")
                    open = Block(
                        language: words.first ?? "", kind: words.dropFirst().first ?? "",
                        line: index + 1, text: "")
                }
            } else {
                open?.text += line + "\n"
            }
        }
        return blocks
    }

    /// The whole configurations that a `yaml` block stands for. Plain `yaml` is a whole file;
    /// `yaml part` has keys of its top level, and lacks a listener; of `yaml service` each line has
    /// keys of a service.
    static func configurations(_ block: Block) -> [String] {
        let listener = "listeners: [{listen: \"127.0.0.1:8080\", backends: [\"127.0.0.1:9000\"]"
        return switch block.kind {
        case "part": ["\(block.text)\n\(listener)}]\n"]
        case "service":
            block.text.split(separator: "\n").map { line in
                "services:\n  example:\n    backends: [\"127.0.0.1:9000\"]\n    \(line)\n"
                    + "listeners: [{listen: \"127.0.0.1:8080\", service: example}]\n"
            }
        default: [block.text]
        }
    }

    /// What the loader finds wrong with a configuration, or unwise in it.
    static func problems(of text: String) -> [String] {
        do throws(ConfigurationErrors) {
            let loaded = try ConfigurationLoader.load(
                file: NamedText(name: "example.yaml", text: text), processorCount: 2)
            return loaded.warnings.map { "\($0)" }
        } catch {
            return ["\(error)"]
        }
    }
}
