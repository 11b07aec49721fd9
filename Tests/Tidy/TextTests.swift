// Rules that read the text of the sources. Each looks line by line, so that its message can name
// one.

import Testing

// Goal: a reader finds every file short, documented and finished.
// Method: heuristics on lines and indentation, which `swift format` keeps regular.
@Suite struct Text {
    private let everything: [SourceFile]
    private let sources: [SourceFile]

    init() throws {
        everything = try Tree.swiftFiles(in: "Sources", "Tests", "bench")
        sources = try Tree.swiftFiles(in: "Sources")
    }

    @Test func `the rules see the tree`() {
        #expect(sources.contains { $0.path == "Sources/Base/Endpoints/Endpoint.swift" })
        #expect(everything.contains { $0.path == "Tests/Tidy/TextTests.swift" })
    }

    @Test func `no file is longer than 500 lines`() {
        for file in everything where file.lines.count > 500 {
            Issue.record(
                "\(file.path) has \(file.lines.count) lines, 500 at most: split it by subject")
        }
    }

    @Test func `no line is wider than 100 columns`() {
        for file in everything {
            for number in wideLines(of: file.lines) {
                Issue.record("\(file.path):\(number) is wider than 100 columns: break it")
            }
        }
    }

    @Test func `tables and texts of their own width may be wide`() {
        let wide = String(repeating: "x", count: 101)
        let lines = [
            "let a = 1  // \(wide)", "// | \(wide) |", "let b = \"\"\"", wide, "\"\"\"", wide,
        ]
        #expect(wideLines(of: lines) == [1, 6])
    }

    @Test func `no function is longer than 70 lines`() {
        for file in everything {
            for function in functions(of: file) where function.length > 70 {
                Issue.record(
                    """
                    \(file.path):\(function.line) has a function of \(function.length) lines, \
                    70 at most: give a part of it a name
                    """)
            }
        }
    }

    @Test func `the length of a function is measured to its own closing brace`() {
        let body = Array(repeating: "        work()", count: 3)
        let text =
            ["struct S {", "    package func a(", "        x: Int", "    ) {"] + body
            + ["        if x { }", "    }", "    func b() {}", "    init() {"] + body + [
                "    }", "}",
            ]
        let found = functions(of: SourceFile(path: "x", lines: text))
        #expect(found.map(\.line) == [2, 11])
        #expect(found.map(\.length) == [8, 5])
    }

    @Test func `nothing in Sources imports Foundation`() {
        for (file, number, line) in numbered(sources) {
            let words = line.split(separator: " ")
            if words.contains("import"), words.last == "Foundation" {
                Issue.record(
                    """
                    \(file.path):\(number) imports Foundation, which makes the program five times as \
                    big: use Glibc, or FoundationEssentials for JSON
                    """)
            }
        }
    }

    @Test func `nothing is left to do in a comment`() {
        let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X:"]
        for (file, number, line) in numbered(everything) {
            for mark in marks where line.contains(mark) {
                Issue.record("\(file.path):\(number) says \(mark): do it, or say what holds now")
            }
        }
    }

    @Test func `every package declaration says what it is`() {
        for file in sources {
            for (index, line) in file.lines.enumerated() where isDeclaration(line) {
                if !isDocumented(index, in: file.lines) {
                    Issue.record(
                        """
                        \(file.path):\(index + 1) declares without a doc comment: \
                        \(line.drop { $0 == " " })
                        Say what it is, its unit and range, what nil means, and whose thread it is.
                        """)
                }
            }
        }
    }

    @Test func `every file begins by saying what it is`() {
        for file in everything where file.lines.first?.hasPrefix("//") != true {
            Issue.record(
                "\(file.path) does not begin with a comment: say what it is and why this way")
        }
    }

    @Test func `every doc comment can be understood alone`() {
        for file in everything {
            for (number, first) in docComments(of: file.lines) where leansOnNeighbour(first) {
                Issue.record(
                    """
                    \(file.path):\(number) begins with "\(first)": quick help shows a comment \
                    without its neighbours, so begin with what it is about
                    """)
            }
        }
    }

    @Test func `a comment that points at its neighbours is seen`() {
        let lines = ["/// The same, with jitter.", "/// It goes on.", "let a = 1", "/// Its unit."]
        let found = docComments(of: lines)
        #expect(found.map(\.number) == [1, 4])
        #expect(found.map { leansOnNeighbour($0.first) } == [true, false])
        #expect(leansOnNeighbour("Those that are up."))
        #expect(!leansOnNeighbour("Item by item."))
    }

    // MARK: reading Swift by its lines

    private func numbered(_ files: [SourceFile]) -> [(SourceFile, Int, String)] {
        files.flatMap { file in file.lines.enumerated().map { (file, $0.offset + 1, $0.element) } }
    }

    /// The first line of each doc comment, without its slashes.
    private func docComments(of lines: [String]) -> [(number: Int, first: String)] {
        lines.indices.compactMap { index in
            let isFirst = index == 0 || !lines[index - 1].drop { $0 == " " }.hasPrefix("///")
            let line = lines[index].drop { $0 == " " }
            guard isFirst, line.hasPrefix("/// ") else { return nil }
            return (index + 1, String(line.dropFirst(4)))
        }
    }

    /// Whether a comment begins with a word that means something only behind another comment.
    private func leansOnNeighbour(_ comment: String) -> Bool {
        let openings = [
            "The same", "Those", "As", "Who", "Whom", "Such", "Likewise", "It", "They",
        ]
        return openings.contains { opening in
            comment.hasPrefix(opening)
                && comment.dropFirst(opening.count).first.map { $0 == " " || $0 == "," } ?? true
        }
    }

    /// The numbers of lines wider than 100 columns. Rows of tables are excepted, and texts: raw
    /// literals, and those of several lines, which are a program's output or another program's
    /// input.
    private func wideLines(of lines: [String]) -> [Int] {
        var isText = false
        return lines.indices.compactMap { index in
            let line = lines[index]
            let quotes = line.split(separator: "\"\"\"", omittingEmptySubsequences: false).count - 1
            defer { if quotes % 2 == 1 { isText.toggle() } }
            let start = line.drop { $0 == " " || $0 == "/" }
            let isExcepted = isText || quotes > 0 || start.hasPrefix("|") || line.contains("#\"")
            return line.count > 100 && !isExcepted ? index + 1 : nil
        }
    }

    /// The functions of more than one line, each with the line it begins in.
    private func functions(of file: SourceFile) -> [(line: Int, length: Int)] {
        file.lines.indices.compactMap { start in
            guard isFunction(file.lines[start]) else { return nil }
            return closingBrace(after: start, in: file.lines).map { (start + 1, $0 - start + 1) }
        }
    }

    /// The line that closes what begins in line `start`: a brace at the same indentation, with
    /// nothing at that indentation in between but the rest of the signature. Nil when there is no
    /// such line: the function is a line long, or has no body.
    private func closingBrace(after start: Int, in lines: [String]) -> Int? {
        let margin = lines[start].prefix { $0 == " " }.count
        for index in lines.indices.dropFirst(start + 1) where !lines[index].isEmpty {
            let indentation = lines[index].prefix { $0 == " " }.count
            let text = lines[index].dropFirst(indentation)
            if indentation > margin { continue }
            if indentation == margin, text.hasPrefix("}") { return index }
            let goesOn = [")", "{", "where ", "->"].contains { text.hasPrefix($0) }
            if indentation < margin || !goesOn { return nil }
        }
        return nil
    }

    private func isFunction(_ line: String) -> Bool {
        let words = line.split(separator: " ").prefix(6)
        let modifiers = [
            "package", "private", "static", "mutating", "final", "override", "@discardableResult",
        ]
        guard
            let first = words.first(where: { !modifiers.contains(String($0)) && !$0.hasPrefix("@") }
            )
        else { return false }
        return first == "func" || first.hasPrefix("init(") || first.hasPrefix("init?(")
    }

    private func isDeclaration(_ line: String) -> Bool {
        let text = line.drop { $0 == " " }
        guard text.hasPrefix("package ") || text.hasPrefix("@inlinable package ") else {
            return false
        }
        let words = text.split(separator: " ")
        return !words.contains("import") && !words.contains("extension")
    }

    /// Whether the lines above `index`, attributes skipped, end in a doc comment.
    private func isDocumented(_ index: Int, in lines: [String]) -> Bool {
        for line in lines[..<index].reversed() {
            let text = line.drop { $0 == " " }
            if text.hasPrefix("///") { return true }
            if !text.hasPrefix("@") { return false }
        }
        return false
    }
}
