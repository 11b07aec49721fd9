// ContentCoding: the codings that a response's content can get on its way, and which of them a
// request lets it have (RFC 9110, sections 8.4 and 12.5.3).

/// A content coding. The raw values count from 0.
package enum ContentCoding: UInt8, CaseIterable, Sendable {
    /// Of RFC 1952.
    case gzip
    /// Of RFC 7932.
    case brotli
    /// Of RFC 8878.
    case zstd

    /// Its name in a field.
    package var name: StaticString {
        switch self {
        case .gzip: "gzip"
        case .brotli: "br"
        case .zstd: "zstd"
        }
    }

    /// The coding of that name in a field; nil for any other. `x-gzip` is gzip (section 8.4.1.3).
    init?(_ name: Span<UInt8>) {
        if name.isEqualIgnoringCase(to: "gzip") || name.isEqualIgnoringCase(to: "x-gzip") {
            self = .gzip
        } else if name.isEqualIgnoringCase(to: "br") {
            self = .brotli
        } else if name.isEqualIgnoringCase(to: "zstd") {
            self = .zstd
        } else {
            return nil
        }
    }
}

/// Content codings in the order in which they are liked, each at most once. Value type, any thread.
package struct ContentCodings: Sendable {
    private var places: InlineArray<3, ContentCoding> = [.gzip, .gzip, .gzip]
    /// How many there are.
    package private(set) var count = 0

    /// The codings of a list, the one that is liked most first; one that comes again is left out.
    package init(_ codings: [ContentCoding]) {
        for coding in codings where !has(coding) {
            places[count] = coding
            count += 1
        }
    }

    /// The coding at a place from 0 to `count` - 1.
    package subscript(place: Int) -> ContentCoding {
        precondition(place < count, "a place of a coding")
        return places[place]
    }

    private func has(_ coding: ContentCoding) -> Bool {
        for place in 0..<count where places[place] == coding { return true }
        return false
    }
}

/// What the Accept-Encoding fields of one request say.
struct AcceptedCodings {
    /// In thousandths, by the coding's raw value; nil for one that is not named.
    private var weights: (Int?, Int?, Int?) = (nil, nil, nil)
    private var identity: Int?
    private var others: Int?

    /// Adds what the value of a field says. A member that is malformed says nothing.
    mutating func add(_ value: Span<UInt8>) {
        var members = ListMembers()
        while let member = members.next(value) { addMember(value.extracting(member)) }
    }

    private mutating func addMember(_ member: Span<UInt8>) {
        let nameEnd =
            ByteScan.first(UInt8(ascii: ";"), in: member, from: 0, to: member.count)
            ?? member.count
        let name = member.extracting(ListMembers.trimmed(member, 0..<nameEnd))
        var weight = 1000
        if nameEnd < member.count {
            let rest = ListMembers.trimmed(member, nameEnd + 1..<member.count)
            guard let given = Self.weight(member.extracting(rest)) else { return }
            weight = given
        }
        if let coding = ContentCoding(name) {
            switch coding {
            case .gzip: weights.0 = weight
            case .brotli: weights.1 = weight
            case .zstd: weights.2 = weight
            }
        } else if name.isEqualIgnoringCase(to: "identity") {
            identity = weight
        } else if name.count == 1, name[0] == UInt8(ascii: "*") {
            others = weight
        }
    }

    /// The number of thousandths that `q=0.5` says (RFC 9110, section 12.4.2); nil when malformed.
    private static func weight(_ text: Span<UInt8>) -> Int? {
        guard (3...7).contains(text.count), text[0] | 0x20 == UInt8(ascii: "q"),
            text[1] == UInt8(ascii: "="), text[2] == UInt8(ascii: "0") || text[2] == 0x31
        else { return nil }
        var weight = Int(text[2] - 0x30) * 1000
        if text.count > 3, text[3] != UInt8(ascii: ".") { return nil }
        var part = 100
        for index in stride(from: 4, to: text.count, by: 1) {
            guard Characters.isDigit(text[index]) else { return nil }
            weight += Int(text[index] - 0x30) * part
            part /= 10
        }
        return weight <= 1000 ? weight : nil
    }

    private func weight(of coding: ContentCoding) -> Int {
        let named =
            switch coding {
            case .gzip: weights.0
            case .brotli: weights.1
            case .zstd: weights.2
            }
        return named ?? others ?? 0
    }

    /// The coding that the client likes most among `offered`; of equals the first of them. Nil
    /// where the client takes none, or likes none of them as much as the content as it is.
    func best(of offered: ContentCodings) -> ContentCoding? {
        var best: (coding: ContentCoding, weight: Int)?
        for place in 0..<offered.count {
            let weight = weight(of: offered[place])
            if weight > best?.weight ?? 0 { best = (offered[place], weight) }
        }
        guard let best, best.weight >= identity ?? 0 else { return nil }
        return best.coding
    }
}

/// Walks the members of a list in a field's value (RFC 9110, section 5.6.1): what stands between
/// commas, without the blanks around it; empty ones are skipped. A comma within quotes ends a
/// member as well, which for the lists that are read so has no meaning.
struct ListMembers {
    private var at = 0

    /// The next member's place in `value`; nil at the end.
    mutating func next(_ value: Span<UInt8>) -> Range<Int>? {
        while at < value.count {
            let end =
                ByteScan.first(Characters.comma, in: value, from: at, to: value.count)
                ?? value.count
            let member = Self.trimmed(value, at..<end)
            at = end + 1
            if !member.isEmpty { return member }
        }
        return nil
    }

    /// `range` without the blanks at its ends.
    static func trimmed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, Characters.isBlank(bytes[start]) { start += 1 }
        while end > start, Characters.isBlank(bytes[end - 1]) { end -= 1 }
        return start..<end
    }
}
