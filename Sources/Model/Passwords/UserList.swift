// UserList: the users of a file in the form of htpasswd: a line `NAME:HASH` for each. Read once;
// every worker looks into it at the same time.

/// The users that may come, each by a password. Immutable, any thread.
package final class UserList: Sendable, Equatable {
    /// A user, or one who takes a user's place for the time of a check.
    package struct Entry: Sendable {
        /// The hash that the password has to make.
        package let hash: PasswordHash
        /// Whether there is such a user; else every password is wrong.
        package let isKnown: Bool
    }

    private let hashes: [PasswordHash]
    /// Where the hash of each name is, by the bytes of the name.
    private let places: [[UInt8]: Int]
    /// A number that differs, as good as certainly, from that of any other list: what is remembered
    /// of checks by one list is nothing for another one. Lists that say the same have the same
    /// number for as long as the process runs.
    package let identity: UInt64

    /// The most users of a list.
    package static let usersMax = 10_000
    /// The longest name, in bytes.
    package static let nameMax = 255

    /// Reads `text`: lines with a name, a colon and a hash, and perhaps another colon with a
    /// comment behind it; blank lines, and lines that begin with `#`.
    ///
    /// - Throws: what is wrong with the first bad line.
    package init(_ text: String) throws(UserListProblem) {
        var hashes: [PasswordHash] = []
        var places: [[UInt8]: Int] = [:]
        var lineOf: [[UInt8]: Int] = [:]
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let line = Self.trimmed(line)
            guard !line.isEmpty, line.first != "#" else { continue }
            let (name, hash) = try Self.read(line, number: index + 1)
            let bytes = Array(name.utf8)
            if let first = lineOf.updateValue(index + 1, forKey: bytes) {
                throw UserListProblem(
                    "found the user \(Self.shown(name)) on lines \(first) and \(index + 1), "
                        + "expected each user once")
            }
            places[bytes] = hashes.count
            hashes.append(hash)
            guard hashes.count <= Self.usersMax else {
                throw UserListProblem("found more than \(Self.usersMax) users, expected fewer")
            }
        }
        guard !hashes.isEmpty else {
            throw UserListProblem("found no user, expected a line NAME:HASH for each")
        }
        self.hashes = hashes
        self.places = places
        var hasher = Hasher()
        hasher.combine(places.mapValues { hashes[$0].text })
        identity = UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// How many users there are.
    package var count: Int { hashes.count }

    /// The hashes, the first of each kind: what a library has to know.
    package var samples: [PasswordHash] {
        PasswordHash.Kind.allCases.compactMap { kind in hashes.first { $0.kind == kind } }
    }

    /// What a password of the user with this name has to make.
    ///
    /// For a name that nobody has, the hash of a user takes its place, always the same one, so that
    /// the check takes as long as for one who is there: else the time would tell which names exist,
    /// and with kinds of hashes that differ in the file even an average would.
    package func entry(for name: [UInt8]) -> Entry {
        if let place = places[name] { return Entry(hash: hashes[place], isKnown: true) }
        var hasher = Hasher()
        hasher.combine(name)
        let place = Int(hasher.finalize().magnitude % UInt(hashes.count))
        return Entry(hash: hashes[place], isKnown: false)
    }

    /// Whether both say the same, in whatever order.
    package static func == (one: UserList, other: UserList) -> Bool {
        one === other
            || one.places.count == other.places.count
                && one.places.allSatisfy { name, place in
                    other.places[name].map { other.hashes[$0] } == one.hashes[place]
                }
    }

    // MARK: - Reading

    private static func read(
        _ line: Substring, number: Int
    ) throws(UserListProblem) -> (name: Substring, hash: PasswordHash) {
        guard let colon = line.firstIndex(of: ":") else {
            throw UserListProblem(
                "found no colon on line \(number), expected NAME:HASH, as htpasswd writes it")
        }
        let name = line[..<colon]
        guard !name.isEmpty else {
            throw UserListProblem("found no name on line \(number), expected NAME:HASH")
        }
        guard name.utf8.count <= nameMax else {
            throw UserListProblem(
                "found a name of \(name.utf8.count) bytes on line \(number), expected at most "
                    + "\(nameMax)")
        }
        // RFC 7617, section 2.
        guard !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw UserListProblem(
                "found control characters in the name on line \(number), expected a name without")
        }
        let rest = line[line.index(after: colon)...]
        do throws(PasswordHash.Problem) {
            return (name, try PasswordHash(rest.prefix { $0 != ":" }))
        } catch {
            let kinds =
                "a hash by bcrypt ($2y$), yescrypt ($y$), scrypt ($7$), SHA-512 ($6$) or SHA-256 "
                + "($5$): `htpasswd -B FILE \(name)` or `mkpasswd` makes one"
            throw UserListProblem(
                "found \(error.found) for the user \(shown(name)) on line \(number), expected "
                    + (error.expected ?? kinds))
        }
    }

    private static func trimmed(_ line: Substring) -> Substring {
        let start = line.drop { $0 == " " || $0 == "\t" }
        guard let last = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return start[...last]
    }

    /// A name as messages have it.
    private static func shown(_ name: Substring) -> String { "\"\(name)\"" }
}

/// Why a text is no list of users. Value type.
package struct UserListProblem: Error, Equatable, Sendable {
    /// What was found, where, and what to do.
    package let text: String

    init(_ text: String) {
        self.text = text
    }
}
