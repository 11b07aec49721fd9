// DomainName+Case: the case of letters, which means nothing in DNS (RFC 4343) and is therefore free
// to carry random bits: a server repeats the question as it was spelled, and a forger who does not
// see it has to guess the spelling as well ("0x20").

extension DomainName {
    /// This name with the case of each ASCII letter drawn at random.
    package func withRandomCase(using random: inout some RandomNumberGenerator) -> DomainName {
        var octets = wireOctets
        var bits: UInt64 = 0
        var bitsLeft = 0
        // Length octets are at most 63, below every letter, so that none is mistaken for one.
        for index in octets.indices where Self.isLetter(octets[index]) {
            if bitsLeft == 0 {
                bits = random.next()
                bitsLeft = 64
            }
            octets[index] ^= UInt8(truncatingIfNeeded: bits & 1) << 5
            bits >>= 1
            bitsLeft -= 1
        }
        return DomainName(validWireOctets: octets)
    }

    /// The name with the case of its letters drawn at random, and never as it is spelled here,
    /// unless it has no letter: so that a server that answers it is known not to compare names byte
    /// by byte.
    package func withOtherCase(using random: inout some RandomNumberGenerator) -> DomainName {
        let drawn = withRandomCase(using: &random)
        guard drawn.isSpelled(like: self) else { return drawn }
        var octets = wireOctets
        guard let letter = octets.firstIndex(where: Self.isLetter) else { return drawn }
        octets[letter] ^= 0x20
        return DomainName(validWireOctets: octets)
    }

    /// This name in lower case, for display: a server that compresses names spells those of its
    /// records as the question was spelled.
    package var lowercased: DomainName {
        DomainName(validWireOctets: wireOctets.map(Self.folded))
    }

    private static func isLetter(_ octet: UInt8) -> Bool {
        (0x61...0x7a).contains(octet | 0x20)
    }
}
