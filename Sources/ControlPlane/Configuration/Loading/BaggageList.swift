// BaggageList: pairs as variables of OpenTelemetry have them: the form of a field Baggage (W3C
// Baggage, section 3.2.1) without properties, `key=value,key=value`, where what has a meaning in it
// is percent-encoded.

/// Why a list can't be read.
struct BaggageError: Error {
    /// What was found and what was expected. No value is shown, since it may be a secret.
    let text: String
}

/// Reads such lists.
enum BaggageList {
    /// One pair, decoded.
    struct Pair: Equatable {
        let key: String
        let value: String
    }

    /// The longest list in bytes, and the most pairs (section 3.3.2 has every program take so
    /// many).
    private static let bytesMax = 8192, pairsMax = 64

    /// The pairs of a list, in its order. Empty places are left out, as are blanks around keys and
    /// values.
    /// - Throws: why nothing of it is used, when a part of it is malformed.
    static func read(_ text: String) throws(BaggageError) -> [Pair] {
        guard text.utf8.count <= bytesMax else {
            throw BaggageError(
                text: "found \(text.utf8.count) bytes, expected at most \(bytesMax)")
        }
        var pairs: [Pair] = []
        for member in text.utf8.split(separator: UInt8(ascii: ",")) {
            let member = trimmed(member)
            if member.isEmpty { continue }
            let place = pairs.count + 1
            guard let equals = member.firstIndex(of: UInt8(ascii: "=")) else {
                throw BaggageError(text: "found no = in pair \(place), expected KEY=VALUE")
            }
            guard let key = decoded(trimmed(member[..<equals])),
                let value = decoded(trimmed(member[member.index(after: equals)...]))
            else {
                throw BaggageError(
                    text: "found a percent sign in pair \(place) without two hexadecimal digits "
                        + "behind it, or bytes that are no UTF-8, expected a percent sign as %25")
            }
            guard !key.isEmpty else {
                throw BaggageError(text: "found no key in pair \(place), expected KEY=VALUE")
            }
            pairs.append(Pair(key: key, value: value))
            guard pairs.count <= pairsMax else {
                throw BaggageError(text: "found more than \(pairsMax) pairs, expected fewer")
            }
        }
        return pairs
    }

    private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text = text.dropLast() }
        return text
    }

    /// Nil for what is no percent-encoding of UTF-8.
    private static func decoded(_ text: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = text[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit),
                let low = rest.popFirst().flatMap(digit)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
