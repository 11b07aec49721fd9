// The arrows between layers, which the compiler does not know.

import Testing

// Goal: a reader can read the layers from the lowest up, and each knows nothing of what is above
// it. Method: the imports of every file, held against the order of the layers. That a module
// imports no more than Package.swift allows it is the compiler's to check.
@Suite struct Layers {
    /// Lowest first, as Package.swift declares them. Discovery, the data plane and the control
    /// plane stand on the model; of these the control plane alone sees the others.
    private static let order = [
        "Base", "Wire", "Network", "Model", "Discovery", "DataPlane", "ControlPlane", "Program",
    ]
    /// Pairs of layers that do not see each other, although one is declared before the other: the
    /// model reads no descriptor, and workers never ask where instances come from.
    private static let apart: [(importer: String, imported: String)] = [
        ("Model", "Network"), ("DataPlane", "Discovery"),
    ]

    @Test func `no module imports one of a layer above its own`() throws {
        let files = try Tree.swiftFiles(in: "Sources")
        var layers: [String: String] = [:]
        for file in files {
            let layer = try #require(file.layer, "\(file.path) is in no layer")
            #expect(Self.order.contains(layer), "\(file.path): \(layer) is no layer")
            layers[try #require(file.module)] = layer
        }
        #expect(Set(layers.values) == Set(Self.order))
        for file in files {
            for (index, line) in file.lines.enumerated() {
                guard let name = Self.imported(line), let imported = layers[name],
                    let layer = file.layer, !Self.mayImport(layer, imported)
                else { continue }
                Issue.record(
                    """
                    \(file.path):\(index + 1) imports \(name) of \(imported), which \(layer) does not \
                    see: move what both need down, or hand it in from above
                    """)
            }
        }
    }

    @Test func `the rule sees an arrow that points up`() {
        #expect(Self.imported("internal import HTTP1") == "HTTP1")
        #expect(Self.imported("@testable import Proxy") == "Proxy")
        #expect(Self.imported("// import Proxy") == nil)
        #expect(Self.mayImport("Network", "Wire"))
        #expect(Self.mayImport("Model", "Model"))
        #expect(!Self.mayImport("Wire", "Network"))
        #expect(!Self.mayImport("Model", "Network"))
        #expect(!Self.mayImport("DataPlane", "Discovery"))
    }

    /// The module that a line imports; nil for any other line.
    private static func imported(_ line: String) -> String? {
        let words = line.split(separator: " ")
        guard let place = words.firstIndex(of: "import"), place < 3, words.count == place + 2,
            words.first?.hasPrefix("//") != true
        else { return nil }
        return String(words[place + 1])
    }

    private static func mayImport(_ importer: String, _ imported: String) -> Bool {
        guard let from = order.firstIndex(of: importer), let to = order.firstIndex(of: imported)
        else { return false }
        let isApart = apart.contains { $0 == (importer, imported) }
        return to <= from && !isApart
    }
}
