// PEMLabels: what a file says that it has, without taking it apart (RFC 7468, section 2).

/// The kinds of text in a file in PEM that matter here. Value type, any thread.
package struct PEMLabels: Equatable, Sendable {
    /// Whether there is a certificate.
    package private(set) var hasCertificate = false
    /// Whether there is a private key, under a passphrase or not.
    package private(set) var hasKey = false

    private static let beginning = Array("-----BEGIN ".utf8)

    /// Looks for the beginnings of texts in `bytes`, which may be anything.
    package init(_ bytes: [UInt8]) {
        var place = 0
        while let found = Self.next(in: bytes, from: place) {
            let start = found + Self.beginning.count
            // A label is short, and of capitals, digits and blanks.
            var end = start
            while end < bytes.count, end - start < 64, Self.isOfLabel(bytes[end]) { end += 1 }
            let label = String(decoding: bytes[start..<end], as: UTF8.self)
            switch label {
            case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE": hasCertificate = true
            case _ where label.hasSuffix("PRIVATE KEY"): hasKey = true
            default: break
            }
            place = end
        }
    }

    private static func isOfLabel(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: " "):
            true
        default: false
        }
    }

    private static func next(in bytes: [UInt8], from start: Int) -> Int? {
        let last = bytes.count - beginning.count
        guard start <= last else { return nil }
        for place in start...last where bytes[place] == beginning[0] {
            if beginning.indices.allSatisfy({ bytes[place + $0] == beginning[$0] }) { return place }
        }
        return nil
    }
}
