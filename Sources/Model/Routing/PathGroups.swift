// PathGroups: routes put together by host and path while a table is compiled.

/// Routes by host and path.
struct PathGroups {
    /// One path of one host.
    struct Path {
        let scope: Int32
        let key: [UInt8]
        /// In `Compiled.candidates`.
        let routes: Range<Int32>
    }

    /// What a table is made of.
    struct Compiled {
        var exact: [Path] = []
        var prefix: [Path] = []
        var shorterPrefix: [Int32] = []
        var candidates: [Route] = []
    }

    private struct Key: Hashable {
        let scope: Int32
        let isExact: Bool
        let bytes: [UInt8]
    }

    private var routes: [Key: [Route]] = [:]
    private var order: [Key] = []

    mutating func add(_ route: Route, scope: Int32, _ path: PathPattern) {
        let key =
            switch path {
            case .any: Key(scope: scope, isExact: false, bytes: [])
            case .exact(let path): Key(scope: scope, isExact: true, bytes: Array(path.utf8))
            case .prefix(let path):
                Key(scope: scope, isExact: false, bytes: PathPrefix.key(path))
            }
        if routes[key] == nil { order.append(key) }
        routes[key, default: []].append(route)
    }

    func compiled() -> Compiled {
        var compiled = Compiled()
        var numbers: [Key: Int32] = [:]
        for key in order {
            // Stable: what was written first goes first among equals.
            let sorted = (routes[key] ?? []).enumerated().sorted {
                ($1.element.conditionCount, $0.offset) < ($0.element.conditionCount, $1.offset)
            }
            let start = Int32(compiled.candidates.count)
            compiled.candidates += sorted.map(\.element)
            let path = Path(
                scope: key.scope, key: key.bytes,
                routes: start..<Int32(compiled.candidates.count))
            if key.isExact {
                compiled.exact.append(path)
            } else {
                numbers[key] = Int32(compiled.prefix.count)
                compiled.prefix.append(path)
            }
        }
        compiled.shorterPrefix = compiled.prefix.map { path in
            var key = path.key
            while !key.isEmpty {
                // To the segment before: the slash goes with it.
                while let last = key.popLast(), last != 0x2F {}
                if let found = numbers[Key(scope: path.scope, isExact: false, bytes: key)] {
                    return found
                }
            }
            return -1
        }
        return compiled
    }
}
