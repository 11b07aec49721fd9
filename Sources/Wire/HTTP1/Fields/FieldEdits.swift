// What an operator changes in heads that pass: fields removed, set (removed, then added) and added.
// Compiled to bytes once; a head without edits pays nothing for them. `_` in a name is as good as
// `-`: servers that can't tell the two apart must not get by one name what was removed under the
// other.

/// Changes of the fields of a head. Immutable, any thread.
package struct FieldEdits: Sendable {
    private struct Contents {
        /// Lower-case names, with hyphens for underscores, of the fields that are not passed on.
        var dropped: [[UInt8]] = []
        /// A bit for the length of each, modulo 64: most fields are passed on without comparing
        /// names.
        var lengths: UInt64 = 0
        var lines: [UInt8] = []
        var host: [UInt8]?
        var removesDate = false
        var removesTraceparent = false
        var supplement: (name: FieldName, line: [UInt8])?
    }

    /// Always one: so that edits, or their absence, are a word. Every request hands them through
    /// half a dozen calls, and nearly none has any.
    private var contents = [Contents()]

    private var dropped: [[UInt8]] {
        get { contents[0].dropped }
        set { contents[0].dropped = newValue }
    }

    /// The lines that are added, each with its end.
    private(set) var lines: [UInt8] {
        get { contents[0].lines }
        set { contents[0].lines = newValue }
    }

    /// What Host says in the place of what the client said; nil leaves it.
    private(set) var host: [UInt8]? {
        get { contents[0].host }
        set { contents[0].host = newValue }
    }

    /// Whether Date is removed, or set.
    var removesDate: Bool { contents[0].removesDate }

    /// Whether `traceparent` is removed, or set.
    package var removesTraceparent: Bool { contents[0].removesTraceparent }

    /// The line that is added where no field of its name is passed on; nil for none.
    var supplement: (name: FieldName, line: [UInt8])? { contents[0].supplement }

    /// Bytes of all that is added, at most.
    var addedBytesMax: Int { lines.count + (supplement?.line.count ?? 0) }

    /// No changes.
    package init() {}

    /// Whether nothing is changed.
    package var isEmpty: Bool {
        dropped.isEmpty && lines.isEmpty && host == nil && supplement == nil
    }

    /// Names that no edit may touch, since they say where a message ends or belong to one
    /// connection (RFC 9110 section 7.6.1, RFC 9112 section 6): Fairlead writes them from what it
    /// has understood.
    package static func isReserved(_ name: String) -> Bool {
        switch name.lowercased() {
        case "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer",
            "transfer-encoding", "upgrade":
            true
        default: false
        }
    }

    /// Fields of this name are not passed on.
    /// - Precondition: `name` is a token and not reserved.
    package mutating func remove(_ name: String) {
        precondition(Self.isName(name) && !Self.isReserved(name))
        dropped.append(name.utf8.map(Self.folded))
        if name.lowercased() == "date" { contents[0].removesDate = true }
        if name.lowercased() == "traceparent" { contents[0].removesTraceparent = true }
        contents[0].lengths |= 1 << UInt64(name.utf8.count & 63)
    }

    /// A line of this name is added.
    /// - Precondition: `name` is a token and not reserved; `value` has no control characters.
    package mutating func add(_ name: String, _ value: String) {
        precondition(Self.isName(name) && !Self.isReserved(name) && Self.isValue(value))
        lines += Array("\(name): \(value)\r\n".utf8)
    }

    /// A line of this name is added where no field of the name is passed on; there is one such name
    /// at most.
    /// - Precondition: as of `add`; `name` is one that Fairlead knows.
    package mutating func supplement(_ name: String, _ value: String) {
        let bytes = Array(name.utf8)
        let known = FieldName(bytes.span, 0, bytes.count)
        precondition(known != .other && Self.isValue(value))
        contents[0].supplement = (known, Array("\(name): \(value)\r\n".utf8))
    }

    /// There is one line of this name, which says `value`. Of a request, Host can only be set.
    /// - Precondition: as of `add`.
    package mutating func set(_ name: String, _ value: String) {
        if name.lowercased() == "host" {
            precondition(Self.isValue(value))
            host = Array(value.utf8)
        } else {
            remove(name)
            add(name, value)
        }
    }

    /// Whether `text` can be the name of a field (RFC 9110 section 5.1).
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { Characters.isToken($0) }
    }

    /// Whether `text` can be the value of a field (section 5.5), neither beginning nor ending with
    /// a space.
    package static func isValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { Characters.isFieldText($0) } && text.utf8.first != 0x20
            && text.utf8.last != 0x20
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        switch byte {
        case 0x41...0x5A: byte | 0x20
        case Characters.underscore: Characters.hyphen
        default: byte
        }
    }

    /// Whether the field whose name is `name` is not passed on.
    func drops(_ name: Span<UInt8>) -> Bool {
        guard contents[0].lengths & (1 << UInt64(name.count & 63)) != 0 else { return false }
        for candidate in dropped where candidate.count == name.count {
            var isSame = true
            for index in candidate.indices {
                if candidate[index] != Self.folded(name[index]) {
                    isSame = false
                    break
                }
            }
            if isSame { return true }
        }
        return false
    }
}

/// How a path is changed on its way to the backend.
package struct PathRewrite: Sendable {
    /// Bytes of the path that are left out at its begin.
    let dropping: Int
    /// What stands in their place: nothing, or a path without a slash at its end.
    let prefix: [UInt8]

    /// - Precondition: `prefix` is empty, or begins with a slash and does not end with one; it
    ///   holds only what a path may (RFC 3986 section 3.3).
    package init(dropping: Int, prefix: [UInt8]) {
        precondition(prefix.isEmpty || prefix.first == 0x2F && prefix.last != 0x2F)
        self.dropping = dropping
        self.prefix = prefix
    }
}
