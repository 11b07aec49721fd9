// FieldList: a few names of fields, to be found among those of a head.

/// Names of fields; letter case does not matter. Immutable, any thread; a look-up allocates
/// nothing.
package struct FieldList: Sendable {
    /// In lower case.
    private let names: [[UInt8]]
    /// A bit for the length of each, modulo 64: most fields need no comparison of names.
    private let lengths: UInt64

    /// The list of `names`.
    package init(_ names: [String]) {
        self.names = names.map { Array($0.lowercased().utf8) }
        lengths = self.names.reduce(0) { $0 | 1 << UInt64($1.count & 63) }
    }

    /// Whether there is no name.
    package var isEmpty: Bool { names.isEmpty }

    /// Whether `name` is one of them.
    package func contains(_ name: Span<UInt8>) -> Bool {
        guard lengths & (1 << UInt64(name.count & 63)) != 0 else { return false }
        for candidate in names where Self.isSame(candidate, name) { return true }
        return false
    }

    private static func isSame(_ lowercased: [UInt8], _ name: Span<UInt8>) -> Bool {
        guard lowercased.count == name.count else { return false }
        for index in lowercased.indices {
            let byte = name[index]
            let folded = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
            if lowercased[index] != folded { return false }
        }
        return true
    }
}
