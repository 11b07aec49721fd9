// DomainName: a name as DNS compares it. Held as the uncompressed wire form in its original case,
// so that a decoded name is one copy, an encoded one is another, and printing shows what was said.
// Case is folded only when two names are compared: a length octet is at most 63, below "A", so the
// whole wire form can be folded octet by octet without knowing where the labels begin.

/// A fully qualified domain name: labels of 1 to 63 octets, 255 octets in all (RFC 1035, section
/// 2.3.4). Names that differ only in the case of ASCII letters are equal (RFC 4343). Value type,
/// any thread.
package struct DomainName: Sendable {
    /// Octets of the longest name, length octets and the root's zero included.
    package static let octetsMax = 255
    /// Octets of the longest label.
    package static let labelOctetsMax = 63

    /// Length-prefixed labels in their original case, ended by the root's zero: 1 to 255 octets, no
    /// compression pointer.
    package let wireOctets: [UInt8]

    /// For the decoder and the text parser, which have checked every limit.
    init(validWireOctets octets: [UInt8]) {
        assert(octets.last == 0 && octets.count <= Self.octetsMax)
        wireOctets = octets
    }

    /// The root of the tree, `.`.
    package static let root = DomainName(validWireOctets: [0])

    /// Whether this is the root.
    package var isRoot: Bool { wireOctets.count == 1 }

    /// The labels from left to right, without their lengths and without the root's empty one.
    package var labels: [ArraySlice<UInt8>] {
        var labels: [ArraySlice<UInt8>] = []
        var position = 0
        while wireOctets[position] != 0 {
            let next = position + 1 + Int(wireOctets[position])
            labels.append(wireOctets[(position + 1)..<next])
            position = next
        }
        return labels
    }

    /// The name without its first label; nil for the root.
    package var parent: DomainName? {
        isRoot
            ? nil : DomainName(validWireOctets: Array(wireOctets[(1 + Int(wireOctets[0]))...]))
    }

    /// Whether this name is `ancestor` or lies below it.
    package func isWithin(_ ancestor: DomainName) -> Bool {
        let extra = wireOctets.count - ancestor.wireOctets.count
        var position = 0
        // Only a suffix that begins at a label is an ancestor: `notconsul.` is not in `consul.`.
        while position < extra { position += 1 + Int(wireOctets[position]) }
        return position == extra && Self.areEqual(wireOctets[extra...], ancestor.wireOctets[...])
    }

    /// Whether both names have the same letters in the same case, as a reply must when the
    /// question's case was mixed on purpose ("0x20").
    package func isSpelled(like other: DomainName) -> Bool { wireOctets == other.wireOctets }
}

extension DomainName: Hashable {
    /// Equal when they differ at most in the case of ASCII letters (RFC 4343, section 3).
    package static func == (left: DomainName, right: DomainName) -> Bool {
        areEqual(left.wireOctets[...], right.wireOctets[...])
    }

    /// Blind to the case of ASCII letters, as `==` is.
    package func hash(into hasher: inout Hasher) {
        // Eight octets at a time: the hasher costs per call, not per octet.
        var word: UInt64 = 0
        for (index, octet) in wireOctets.enumerated() {
            word = word << 8 | UInt64(Self.folded(octet))
            if index & 7 == 7 {
                hasher.combine(word)
                word = 0
            }
        }
        hasher.combine(word)
        hasher.combine(wireOctets.count)
    }

    /// `octet` in lower case when it is an ASCII upper-case letter (RFC 4343, section 3).
    static func folded(_ octet: UInt8) -> UInt8 {
        (0x41...0x5a).contains(octet) ? octet | 0x20 : octet
    }

    private static func areEqual(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { folded($0) == folded($1) }
    }
}
