// A rule of its own for writes: what became of one is never dropped.

import Testing

// Goal: a producer stops when its receiver keeps bytes, on every path, or memory grows without end.
// Method: the compiler refuses an unused outcome; here the ways around that are refused, and a look
// at failures alone.
@Suite struct Outcomes {
    private static let modules = ["Events", "Proxy", "HTTPServer", "TestBackend", "HTTPClient"]
    private static let writes = ["write(", "send(", "splice(", "sendOutgoing("].flatMap {
        [" \($0)", ".\($0)"]
    }

    @Test func `no outcome of a write is dropped`() throws {
        let files = try Tree.swiftFiles(in: "Sources").filter {
            Self.modules.contains($0.module ?? "")
        }
        #expect(Set(files.compactMap(\.module)).count == Self.modules.count)
        for file in files {
            for (index, line) in file.lines.enumerated() where Self.drops(line) {
                Issue.record(
                    """
                    \(file.path):\(index + 1) drops what became of a write: switch over all of it, \
                    and stop the producer when bytes are kept
                    """)
            }
        }
    }

    @Test func `the rule sees what drops`() {
        #expect(Self.drops("        _ = write(out.span)"))
        #expect(Self.drops("        if case .failed = client.write(worker.outgoing) {"))
        #expect(Self.drops("    guard case .sent = connection.splice(from: source, limit: 1)"))
        #expect(Self.drops("    @discardableResult package func write(_ bytes: Span<UInt8>)"))
        #expect(!Self.drops("        switch client.write(worker.outgoing) {"))
        #expect(!Self.drops("        let outcome = worker.sendOutgoing(to: client)"))
    }

    /// Whether a line has a write and looks at none or one of its outcomes.
    private static func drops(_ line: String) -> Bool {
        let words = line.split(separator: " ")
        guard let first = words.first, !first.hasPrefix("//"),
            writes.contains(where: { line.contains($0) })
        else { return false }
        let isPattern = (first == "if" || first == "guard") && words.dropFirst().first == "case"
        return line.contains("_ = ") || isPattern || line.contains("@discardableResult")
    }
}
