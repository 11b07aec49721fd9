// AdminPieces: a document with thousands of backends, made piece by piece, so that the control
// thread can do other things in between. The result has the form of a document made at once: it
// begins as an outline without the backends, and they are put into its empty lists. Each piece
// shows a moment of its own, some milliseconds after the outline; a backend that left meanwhile is
// left out.

internal import Backends

/// A document in the making. Control thread only.
final class AdminPieces {
    /// A service's backends, some with each call; nil after the last.
    typealias Backends = () -> [AdminSnapshot.Backend]?

    /// A document with fewer backends is made at once.
    static let countMin = 500

    /// The document so far.
    private var made: [UInt8] = []
    /// The parts of the outline between two services' backends, the last first.
    private var parts: [ArraySlice<UInt8>]
    /// The services whose backends are still to come, the last first.
    private var services: [String]
    private let backends: (String) -> Backends
    private var current: (name: String, next: Backends)?
    private var isFirst = true

    /// The empty list of a service's backends. No text in JSON contains it: its quotes would be
    /// escaped.
    private static let list = Array("\"backends\":[]".utf8)

    /// A document whose outline has an empty list of backends for each of `services`, in their
    /// order. Nil when the outline does not.
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
