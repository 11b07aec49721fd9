// ContentChange: what has to change in the head of a response whose content is coded on its way, or
// could have been for another client; and what its fields say of whether it may be (RFC 9110,
// sections 7.7, 8.4, 8.8.3 and 12.5.5).

/// The changes of a response's head that go with the coding of its content. Value type, any thread.
package struct ContentChange: Equatable, Sendable {
    /// The coding that the content gets; nil for none. The length of the content is not known then.
    package var coding: ContentCoding?
    /// Whether its entity tag becomes a weak one: the bytes differ from what the tag was made for.
    package var weakensTag = false
    /// Whether it says that it depends on Accept-Encoding.
    package var addsVary = false

    /// No change.
    package init() {}

    /// Whether the head stays as it is.
    @inline(__always)
    var isNone: Bool { coding == nil && !weakensTag && !addsVary }

    /// The most bytes that the changes add.
    static var addedBytesMax: Int { 64 }
}

/// What the head of a response says of whether its content may be coded. Value type, any thread.
package struct ContentFacts: Sendable {
    /// The media type with its parameters; empty for none, and where there are two, of which nobody
    /// can know which it is.
    package var type = ByteRange.empty
    /// Whether it has a coding already.
    package var isCoded = false
    /// Whether it says that nobody may transform it, or has a digest of its bytes (RFC 9530), as a
    /// field or as a trailer.
    package var isFixed = false
    /// Whether it is a part of the whole.
    package var isPart = false
    /// Whether it says already that it depends on Accept-Encoding, or on more than fields.
    package var varies = false
}

extension RequestHead {
    /// The coding that the client likes most of `offered` for the content of its response; nil for
    /// none, as for one that says `Cache-Control: no-transform` (RFC 9111, section 5.2.1.6).
    /// - Complexity: O(n).
    package func acceptedCoding(_ bytes: Span<UInt8>, of offered: ContentCodings) -> ContentCoding?
    {
        var accepted = AcceptedCodings()
        for index in 0..<fieldCount {
            let field = field(index)
            guard case .other = field.known else { continue }
            switch field.name.count {
            case 15 where bytes.hasName("accept-encoding", field):
                accepted.add(bytes.extracting(field.value.bounds))
            case 13 where bytes.hasName("cache-control", field):
                if bytes.lists("no-transform", field) { return nil }
            default: break
            }
        }
        return accepted.best(of: offered)
    }
}

extension ResponseHead {
    /// What the head says of whether its content may be coded; it was parsed from `bytes`.
    /// - Complexity: O(n).
    package func contentFacts(_ bytes: Span<UInt8>) -> ContentFacts {
        var facts = ContentFacts()
        var typeCount = 0
        for index in 0..<fieldCount {
            let field = field(index)
            switch field.known {
            case .contentType:
                typeCount += 1
                facts.type = typeCount == 1 ? field.value : .empty
            case .trailer: if bytes.listsDigest(field) { facts.isFixed = true }
            case .other: facts.note(field, bytes)
            default: break
            }
        }
        return facts
    }

    /// Appends the field lines that stay of a head whose content changes so: the entity tag is made
    /// weak, and what speaks of ranges or bytes of the content goes.
    func copyFields(
        from bytes: Span<UInt8>, but dropped: FieldNames, _ edits: FieldEdits?,
        _ change: ContentChange, into out: inout OutputSpan<UInt8>
    ) {
        for index in 0..<fieldCount {
            let field = field(index)
            if field.isNominated || dropped.contains(field.known) { continue }
            if edits?.drops(bytes.extracting(field.name.bounds)) ?? false { continue }
            if change.coding != nil, bytes.hasName("accept-ranges", field) { continue }
            let value = bytes.extracting(field.value.bounds)
            if change.weakensTag, bytes.hasName("etag", field), !value.isEmpty,
                value[0] == UInt8(ascii: "\"")
            {
                out.append("ETag: W/")
                out.append(value)
                out.append("\r\n")
            } else {
                section.copyLine(field, from: bytes, into: &out)
            }
        }
        if let coding = change.coding {
            out.append("Content-Encoding: ")
            out.append(coding.name)
            out.append("\r\n")
        }
        if change.addsVary { out.append("Vary: Accept-Encoding\r\n") }
    }
}

extension ContentFacts {
    /// Takes what a field of the head in `bytes` says, whose name is none of the known ones.
    fileprivate mutating func note(_ field: Field, _ bytes: Span<UInt8>) {
        switch field.name.count {
        case 4 where bytes.hasName("vary", field):
            if bytes.lists("accept-encoding", field) || bytes.lists("*", field) { varies = true }
        case 6 where bytes.hasName("digest", field): isFixed = true
        case 11 where bytes.hasName("content-md5", field): isFixed = true
        case 11 where bytes.hasName("repr-digest", field): isFixed = true
        case 14 where bytes.hasName("content-digest", field): isFixed = true
        case 13 where bytes.hasName("cache-control", field):
            if bytes.lists("no-transform", field) { isFixed = true }
        case 13 where bytes.hasName("content-range", field): isPart = true
        case 16 where bytes.hasName("content-encoding", field): isCoded = true
        default: break
        }
    }
}

extension Span<UInt8> {
    /// Whether the name of `field`, whose head these bytes are, is this one.
    fileprivate func hasName(_ name: StaticString, _ field: Field) -> Bool {
        extracting(field.name.bounds).isEqualIgnoringCase(to: name)
    }

    /// Whether the value of `field` is a list of trailers of which one is a digest of the content.
    fileprivate func listsDigest(_ field: Field) -> Bool {
        lists("digest", field) || lists("content-digest", field) || lists("repr-digest", field)
            || lists("content-md5", field)
    }

    /// Whether the value of `field` is a list that has this member, without parameters.
    fileprivate func lists(_ member: StaticString, _ field: Field) -> Bool {
        let value = extracting(field.value.bounds)
        var members = ListMembers()
        while let range = members.next(value) {
            if value.extracting(range).isEqualIgnoringCase(to: member) { return true }
        }
        return false
    }
}
