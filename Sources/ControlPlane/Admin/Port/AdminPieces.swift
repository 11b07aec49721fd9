// AdminPieces: a document that has thousands of backends, made piece by piece, so that the control
// thread does other things in between. It is the document that would be made at once: an outline
// without the backends, into whose empty lists they are put. Each piece is of its own moment, some
// milliseconds after the outline; one who left meanwhile is left out.

internal import Backends

/// A document in the making. Control thread only.
final class AdminPieces {
    /// A service's backends, some at a time; nil after the last.
    typealias Backends = () -> [AdminSnapshot.Backend]?

    /// Below so many backends a document is made at once.
    static let countMin = 500

    /// What is made of it by now.
    private var made: [UInt8] = []
    /// The outline's parts, the last first: what goes between two services' backends.
    private var parts: [ArraySlice<UInt8>]
    /// The services whose backends are to come, the last first.
    private var services: [String]
    private let backends: (String) -> Backends
    private var current: (name: String, next: Backends)?
    private var isFirst = true

    /// The empty list of a service's backends. No text in JSON has it: its quotes would be escaped.
    private static let list = Array("\"backends\":[]".utf8)

    /// A document whose outline has an empty list of backends for each of `services`, in their
    /// order. Nil when it has not.
    init?(
        outline: [UInt8], services: [String], backends: @escaping (String) -> Backends
    ) {
        var parts: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 0
        while index + Self.list.count <= outline.count {
            if outline[index] == Self.list[0],
                outline[index..<index + Self.list.count].elementsEqual(Self.list)
            {
                // Behind the opening bracket.
                index += Self.list.count - 1
                parts.append(outline[start..<index])
                start = index
            }
            index += 1
        }
        guard parts.count == services.count else { return nil }
        parts.append(outline[start...])
        self.parts = parts.reversed()
        self.services = services.reversed()
        self.backends = backends
        // What is between two lists belongs to one of them.
        made.append(contentsOf: self.parts.removeLast())
    }

    /// Makes another piece. Returns the document when that was the last one.
    func next() -> [UInt8]? {
        if current == nil, let name = services.popLast() {
            current = (name, backends(name))
            isFirst = true
        }
        guard let current else { return made }
        guard let some = current.next() else {
            self.current = nil
            if let part = parts.popLast() { made.append(contentsOf: part) }
            return services.isEmpty ? made : nil
        }
        for backend in some {
            guard let view = encodeJSON(BackendView(backend, of: current.name)) else { continue }
            if !isFirst { made.append(UInt8(ascii: ",")) }
            isFirst = false
            made.append(contentsOf: view.dropLast())
        }
        return nil
    }
}
