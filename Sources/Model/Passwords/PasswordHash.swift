// PasswordHash: a hash of a password as a file of users has it, held to the kinds that are worth
// having, and to costs that a proxy can pay for each check. What it says is read here; the hash
// itself is libcrypt's to make (crypt(5)).
//
// | begins with        | kind     | what it may cost                         |
// |--------------------|----------|------------------------------------------|
// | `$2b$` `$2y$` `$2a$` | bcrypt | 4 to 14, which takes a second            |
// | `$y$`              | yescrypt | 256 MiB of memory                        |
// | `$7$`              | scrypt   | 256 MiB of memory                        |
// | `$6$` `$5$`        | SHA-crypt | 1,000 to 1,000,000 rounds               |
//
// Every other kind is refused, each by its name. They are broken, as MD5 and DES are, made by one
// fast step, as `{SHA}` is, or no hash at all: who gets hold of the file has the passwords.

/// A hash of a password that can be checked. Value type, any thread.
package struct PasswordHash: Sendable, Equatable {
    /// How a hash is made.
    package enum Kind: Sendable, CaseIterable {
        case bcrypt, yescrypt, scrypt, sha512, sha256
    }

    /// How it is made.
    package let kind: Kind
    /// The hash with its setting, as in the file: ASCII.
    package let text: String

    /// Why a text is no such hash.
    struct Problem: Error {
        /// What was found. Never the text itself, which may be a password.
        let found: String
        /// What was expected in its place; nil for a hash of one of the kinds.
        var expected: String?
    }

    /// The most memory that one check may take, in bytes.
    private static let memoryMax = 256 << 20
    private static let bcryptCosts = 4...14
    private static let shaRounds = 1000...1_000_000

    /// The hash that `text` is.
    init(_ text: Substring) throws(Problem) {
        let kind = try Self.kind(of: text)
        // An empty piece before the first dollar sign, and the name of the kind.
        let pieces = text.split(separator: "$", omittingEmptySubsequences: false).dropFirst(2)
        let isWhole =
            switch kind {
            case .bcrypt: try Self.isBcrypt(Array(pieces))
            case .yescrypt: try Self.isYescrypt(Array(pieces))
            case .scrypt: try Self.isScrypt(Array(pieces))
            case .sha512: try Self.isSHA(Array(pieces), digits: 86)
            case .sha256: try Self.isSHA(Array(pieces), digits: 43)
            }
        guard isWhole else {
            throw Problem(
                found: "a hash by \(kind.name) that is cut short or changed",
                expected: "all of what the program that made it has said")
        }
        self.kind = kind
        self.text = String(text)
    }

    // MARK: - Kinds

    private static func kind(of text: Substring) throws(Problem) -> Kind {
        for (beginning, kind) in [
            ("$2a$", Kind.bcrypt), ("$2b$", .bcrypt), ("$2y$", .bcrypt), ("$y$", .yescrypt),
            ("$7$", .scrypt), ("$6$", .sha512), ("$5$", .sha256),
        ] where text.hasPrefix(beginning) {
            return kind
        }
        for (beginning, found) in [
            ("$apr1$", "a hash by MD5, as Apache makes it (apr1)"), ("$1$", "a hash by MD5"),
            ("$2x$", "a hash by a bcrypt with a known fault ($2x$)"),
            ("$3$", "a hash of Windows (NT)"), ("$md5", "a hash by MD5, as Solaris makes it"),
            ("$sha1$", "a hash by SHA-1"), ("$argon2", "a hash by Argon2, which libcrypt lacks"),
            ("$", "a hash of an unknown kind"),
            ("{SHA}", "a hash by SHA-1 without salt ({SHA})"), ("{", "a hash of LDAP"),
            ("_", "a hash by DES"), ("!", "a user who is locked"), ("*", "a user who is locked"),
        ] where text.hasPrefix(beginning) {
            throw Problem(found: found)
        }
        if text.isEmpty { throw Problem(found: "no hash") }
        let isDES = text.utf8.count == 13 && text.utf8.allSatisfy { digit($0) != nil }
        throw Problem(found: isDES ? "a hash by DES" : "a password in the clear")
    }

    private static func isBcrypt(_ pieces: [Substring]) throws(Problem) -> Bool {
        guard pieces.count == 2, pieces[0].utf8.count == 2, let cost = Int(pieces[0]) else {
            return false
        }
        guard bcryptCosts.contains(cost) else {
            throw Problem(
                found: "bcrypt with a cost of \(cost)",
                expected: "\(bcryptCosts.lowerBound) to \(bcryptCosts.upperBound): a check takes "
                    + "twice as long for each one more, a second with 14")
        }
        return isDigits(pieces[1], count: 53)
    }

    private static func isSHA(_ pieces: [Substring], digits: Int) throws(Problem) -> Bool {
        var rest = pieces
        if let first = rest.first, first.hasPrefix("rounds=") {
            guard let rounds = Int(first.dropFirst("rounds=".count)) else { return false }
            guard shaRounds.contains(rounds) else {
                throw Problem(
                    found: "\(rounds) rounds",
                    expected: "\(shaRounds.lowerBound) to \(shaRounds.upperBound)")
            }
            rest.removeFirst()
        }
        return rest.count == 2 && (1...16).contains(rest[0].utf8.count)
            && rest[0].utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            && isDigits(rest[1], count: digits)
    }

    private static func isYescrypt(_ pieces: [Substring]) throws(Problem) -> Bool {
        // Of the parameters that there can be, crypt_gensalt(3) writes these: the flavour, N and r.
        guard pieces.count == 3, pieces[0].utf8.count == 3, pieces[0].first == "j",
            let parameters = digits(of: pieces[0]), parameters[1] < 48, parameters[2] < 48
        else { return false }
        try checkMemory(log2: parameters[1] + 1, blocks: parameters[2] + 1, "yescrypt")
        return isSalt(pieces[1]) && isDigits(pieces[2], count: 43)
    }

    private static func isScrypt(_ pieces: [Substring]) throws(Problem) -> Bool {
        // N in one digit, r and p in five each, the lowest first; then the salt.
        guard pieces.count == 2, let parameters = digits(of: pieces[0].prefix(11)),
            parameters.count == 11
        else { return false }
        func number(_ range: Range<Int>) -> Int {
            range.reversed().reduce(0) { $0 << 6 | parameters[$1] }
        }
        let (blocks, lanes) = (number(1..<6), number(6..<11))
        guard blocks > 0, lanes > 0, parameters[0] > 0 else { return false }
        let (product, isTooMuch) = blocks.multipliedReportingOverflow(by: lanes)
        try checkMemory(log2: parameters[0], blocks: isTooMuch ? .max : product, "scrypt")
        return isSalt(pieces[0].dropFirst(11)) && isDigits(pieces[1], count: 43)
    }

    /// Checks the memory of 2^`log2` times `blocks` times 128 bytes.
    private static func checkMemory(
        log2: Int, blocks: Int, _ name: String
    ) throws(Problem) {
        guard log2 < 32, blocks <= memoryMax >> 7, blocks << log2 <= memoryMax >> 7 else {
            throw Problem(
                found: "\(name) that takes more than \(memoryMax >> 20)MiB for each check",
                expected: "at most \(memoryMax >> 20)MiB, as with mkpasswd's own cost")
        }
    }

    // MARK: - Digits

    /// What a digit of crypt's base 64 stands for; nil for another byte.
    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "."): 0
        case UInt8(ascii: "/"): 1
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 0x30 + 2
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte) - 0x41 + 12
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte) - 0x61 + 38
        default: nil
        }
    }

    private static func digits(of text: Substring) -> [Int]? {
        var digits: [Int] = []
        for byte in text.utf8 {
            guard let digit = digit(byte) else { return nil }
            digits.append(digit)
        }
        return digits
    }

    private static func isDigits(_ text: Substring, count: Int) -> Bool {
        text.utf8.count == count && digits(of: text) != nil
    }

    private static func isSalt(_ text: Substring) -> Bool {
        (1...86).contains(text.utf8.count) && digits(of: text) != nil
    }
}

extension PasswordHash.Kind {
    /// Its name, for messages.
    package var name: String {
        switch self {
        case .bcrypt: "bcrypt"
        case .yescrypt: "yescrypt"
        case .scrypt: "scrypt"
        case .sha512: "SHA-512"
        case .sha256: "SHA-256"
        }
    }
}
