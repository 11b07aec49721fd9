// What the documents say of the tree, held against the tree.

internal import FoundationEssentials
import Testing

// Goal: a reader who follows a README finds what it names.
// Method: every link and every name is looked up; the tables of modules are compared with
// Package.swift.
@Suite struct Documents {
    @Test func `every link of every document leads to a file`() throws {
        var found = 0
        for document in try Tree.documents() {
            let folder = document.path.split(separator: "/").dropLast().joined(separator: "/")
            for target in Self.links(in: document.text) {
                found += 1
                let path = folder.isEmpty ? target : "\(folder)/\(target)"
                #expect(
                    FileManager.default.fileExists(atPath: "\(Tree.root)/\(path)"),
                    "\(document.path) links to \(target), which is not there")
            }
        }
        #expect(found > 80)
    }

    @Test func `the first document is short`() throws {
        #expect(
            try Tree.text("README.md").split(separator: "\n", omittingEmptySubsequences: false)
                .count <= 151)
    }

    @Test func `the newest release of the change log is the version of the program`() throws {
        let source = try Tree.text("Sources/ControlPlane/Control/Start/ProgramVersion.swift")
        let version = try #require(source.firstMatch(of: /fairleadVersion = "([^"]+)"/)).1
        let changes = try Tree.text("CHANGELOG.md")
        #expect(changes.firstMatch(of: /(?m)^## ([^ ,\n]+)/)?.1 == version)
    }

    @Test func `every test that the table of the twelve factors names is there`() throws {
        let text = try Tree.text("conf/README.md")
        let rows = text.matches(of: /(?m)^\| [IVX]+\. [^|]*\|[^|]*\|([^|]*)\|$/).map(\.1)
        #expect(rows.count == 12)
        let tests = try Tree.swiftFiles(in: "Tests").flatMap(\.lines).joined(separator: "\n")
        for row in rows {
            let names = row.matches(of: /`([^`]+)`/).map(\.1)
            #expect(!names.isEmpty, "no test stands for:\(row)")
            for name in names where !name.hasPrefix("conf/") {
                #expect(
                    tests.contains("func `\(name)`") || tests.contains("@Test(\"\(name)\")"),
                    "there is no test `\(name)`")
            }
        }
    }

    @Test func `every link to a section leads to a heading`() throws {
        for document in try Tree.documents() {
            let folder = URL(filePath: "/" + document.path).deletingLastPathComponent()
            for (target, section) in Self.sections(in: document.text) {
                let path = target.isEmpty ? document.path : folder.appending(path: target).path
                let text = try Tree.text(path)
                #expect(
                    Self.anchors(in: text).contains(section),
                    "\(document.path) links to \(target)#\(section), which is no heading")
            }
        }
    }

    @Test func `every name in a document of the sources is a type, a file or a folder`() throws {
        for document in try Tree.documents() where document.path.hasPrefix("Sources/") {
            let folder = document.path.split(separator: "/").dropLast().joined(separator: "/")
            let files = try Tree.swiftFiles(in: folder)
            let text = files.flatMap(\.lines).joined(separator: "\n")
            let types = text.matches(of: /\b(?:class|struct|enum|protocol) (\w+)/).map(\.1)
            let known = Set(types + files.flatMap { $0.path.split { "/.".contains($0) } })
            let unknown = document.text.matches(of: /`([A-Z]\w+)`/).map(\.1).filter {
                !known.contains($0)
            }
            #expect(unknown.isEmpty, "\(document.path) names what \(folder) does not have")
        }
    }

    @Test func `the tables of modules are those of Package.swift`() throws {
        let told = Self.table(try Tree.text("Sources/README.md"))
        let declared = Self.declarations(try Tree.text("Package.swift"))
        #expect(declared.count > 25)
        for (module, imports) in declared {
            #expect(
                told[module] == imports,
                """
                Sources/README.md says that \(module) imports \(told[module] ?? []); Package.swift \
                says \(imports)
                """)
        }
    }

    @Test func `links and tables are read as they are written`() {
        #expect(
            Self.links(in: "[a](b/c.md) [d](e#f) [g](https://h) `[i](j)`") == ["b/c.md", "e", "j"])
        #expect(Self.sections(in: "[a](b.md#c) [d](#e) [f](g)").map(\.section) == ["c", "e"])
        #expect(Self.anchors(in: "# A `b` c?\n## D/e-f\n") == ["a-b-c", "de-f"])
        #expect(
            Self.table("| [A](B/A) | what | X, Y |\n| [C](D) | what |  |") == [
                "A": ["X", "Y"], "C": [],
            ])
        let package = """
                base.module("A", settings: cold),
                wire.module(
                    "B",
                    uses: [
                        "D", "C",
                    ], settings: hot),
            """
        #expect(Self.declarations(package) == ["A": [], "B": ["C", "D"]])
    }

    /// The relative paths that a text in Markdown links to, without what stands behind a `#`.
    private static func links(in text: String) -> [String] {
        text.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1.prefix { $0 != "#" }) }.filter {
            !$0.isEmpty && !$0.contains("://")
        }
    }

    /// The sections that a text in Markdown links to: the path before `#`, empty for the text
    /// itself, and the anchor behind it.
    private static func sections(in text: String) -> [(path: String, section: String)] {
        text.matches(of: /\]\(([^)\s#:]*)#([^)\s]+)\)/).map { (String($0.1), String($0.2)) }
    }

    /// The anchors that GitHub makes of a text's headings.
    private static func anchors(in text: String) -> [String] {
        text.matches(of: /(?m)^#+ (.+)$/).map { heading in
            String(
                heading.1.lowercased().compactMap { character -> Character? in
                    if character == " " { return "-" }
                    return character.isLetter || character.isNumber || "-_".contains(character)
                        ? character : nil
                })
        }
    }

    /// The modules of tables in Markdown: a link with the name, what it is, what it imports.
    private static func table(_ text: String) -> [String: [String]] {
        let rows = text.matches(of: /(?m)^\| \[(\w+)\]\([^)]*\) \|[^|]*\| *([^|]*?) *\|$/)
        return Dictionary(rows.map { (String($0.1), names(in: $0.2)) }) { first, _ in first }
    }

    /// The modules that a package declares by a layer, and what each may import.
    private static func declarations(_ text: String) -> [String: [String]] {
        let calls = text.matches(of: /\w+\.module\(\s*"(\w+)"(?:,\s*uses: \[([^\]]*)\])?/)
        return Dictionary(calls.map { (String($0.1), names(in: $0.2 ?? "")) }) { first, _ in first }
    }

    private static func names(in list: Substring) -> [String] {
        list.matches(of: /\w+/).map { String($0.0) }.sorted()
    }
}
