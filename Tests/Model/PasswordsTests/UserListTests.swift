// Goal: a file of users is read as htpasswd writes it, with hashes of the kinds that are worth
// having, and what is wrong is told with its line and never with a password. Method: hashes that
// libcrypt itself has made (by Python's crypt), each with a wrong twin; the system's library.

import Passwords
import Testing

@Suite struct UserListTests {
    private static let bcrypt = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
    private static let yescrypt = "$y$j75$abcdefgh$vd9GBZ0X.Wgh3dsxBvCnIOYDItsueGfttJXG763.dDA"

    /// Hashes and the passwords that make them.
    private static let known = [
        (bcrypt, "secret"),
        ("$2y$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC", "pässwörd"),
        ("$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", "correct horse"),
        (yescrypt, "sesame"),
        ("$7$CU..../....saltsalt$4rn3uYfhV6KXd7ZnBH7frr3TnK3NA0.7qzYU/winIq2", "correct horse"),
        (
            "$6$rounds=1000$salt$Op5Pr8IefYjtJFNiLT8d.Xb85v8VtEyyKosvqEUXP9/.f4IC5kMbKoUZwss1ymn"
                + "cWvUZB6QVTmIH88IN1Uc5C.", "correct horse"
        ),
        ("$5$rounds=1000$salt$qOfjCda6YN/JiGzcA4MkoJaIXdhJzf.qd.KJPQZ7TA/", "correct horse"),
    ]

    private func entry(_ list: UserList, _ name: String) -> UserList.Entry {
        list.entry(for: Array(name.utf8))
    }

    private func problem(_ text: String) -> String? {
        do throws(UserListProblem) {
            _ = try UserList(text)
            return nil
        } catch {
            return error.text
        }
    }

    @Test("each kind of hash is read, and made by its password alone", arguments: known)
    func kinds(hash: String, password: String) throws {
        try PasswordHashing.load()
        let list = try UserList("ann:\(hash)\n")
        let entry = self.entry(list, "ann")
        #expect(entry.isKnown && entry.hash.text == hash && list.count == 1)
        #expect(list.samples.map(\.text) == [hash])
        #expect(PasswordHashing.knows(entry.hash))
        #expect(PasswordHashing.check(Array(password.utf8), entry.hash) == .right)
        for wrong in ["", "\(password)x", String(password.dropLast()), "Secret"] {
            #expect(PasswordHashing.check(Array(wrong.utf8), entry.hash) == .wrong, "\(wrong)")
        }
        // One digit of the hash is another.
        let last = hash.last == "." ? "/" : "."
        let other = try UserList("ann:\(hash.dropLast())\(last)")
        let changed = self.entry(other, "ann").hash
        #expect(PasswordHashing.check(Array(password.utf8), changed) != .right)
        #expect(list != other && list.identity != other.identity)
        for count in 1...8 {
            let cut = problem("ann:\(hash.dropLast(count))")
            #expect(cut?.contains("that is cut short or changed for the user \"ann\"") == true)
        }
    }

    @Test("blanks, comments, line ends and what stands behind a hash do not matter")
    func lines() throws {
        let list = try UserList(
            "# staff\r\n\r\n  ann:\(Self.bcrypt):Ann of the office \r\n\tbob smith:\(Self.yescrypt)"
                + "\n\n#eve:x\nJosé:\(Self.bcrypt)")
        #expect(list.count == 3 && list.samples.count == 2)
        #expect(entry(list, "ann").hash.text == Self.bcrypt)
        #expect(entry(list, "bob smith").isKnown && entry(list, "José").isKnown)
        for stranger in ["Ann", "ann ", "eve", "#eve", "", "bob"] {
            #expect(!entry(list, stranger).isKnown, "\(stranger)")
        }
        let same = try UserList(
            "José:\(Self.bcrypt)\nann:\(Self.bcrypt)\nbob smith:\(Self.yescrypt)\n")
        #expect(list == same && list.identity == same.identity)
        let swapped = try UserList(
            "José:\(Self.bcrypt)\nann:\(Self.yescrypt)\nbob smith:\(Self.bcrypt)\n")
        #expect(list != swapped && list.identity != swapped.identity)
        #expect(try list != UserList("ann:\(Self.bcrypt)"))
    }

    @Test("a stranger takes the time of one of the users, always of the same one")
    func strangers() throws {
        let list = try UserList("ann:\(Self.bcrypt)\nbob:\(Self.yescrypt)")
        var seen: Set<String> = []
        for number in 0..<100 {
            let hash = entry(list, "nobody\(number)").hash.text
            #expect(entry(list, "nobody\(number)").hash.text == hash)
            seen.insert(hash)
        }
        #expect(seen == [Self.bcrypt, Self.yescrypt])
    }

    @Test(
        "what can't be checked, or should not be, is named with what makes a good one",
        arguments: [
            ("$apr1$abcdefgh$0123456789012345678901", "a hash by MD5, as Apache makes it (apr1)"),
            ("$1$abcdefgh$0123456789012345678901", "a hash by MD5"),
            ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "a hash by SHA-1 without salt ({SHA})"),
            ("{SSHA}x", "a hash of LDAP"), ("rl0uE0T6t2K2A", "a hash by DES"),
            ("_J9..rasmBYk8r9AiWNc", "a hash by DES"), ("$3$$8846f7eaee8f", "a hash of Windows"),
            ("$2x$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "a hash by a bcrypt"),
            ("$argon2id$v=19$m=1,t=1,p=1$YQ$YQ", "a hash by Argon2, which libcrypt lacks"),
            ("$sha1$1$a$b", "a hash by SHA-1"), ("$9$x", "a hash of an unknown kind"),
            ("!", "a user who is locked"), ("*", "a user who is locked"), ("", "no hash"),
            ("hunter2", "a password in the clear"),
        ])
    func refused(hash: String, found: String) {
        let text = problem("# a\nann:\(hash)\n")
        #expect(text?.contains("found \(found)") == true, "\(text ?? "")")
        #expect(text?.contains("for the user \"ann\" on line 2, expected a hash by bcrypt") == true)
        #expect(text?.hasSuffix("`htpasswd -B FILE ann` or `mkpasswd` makes one") == true)
        #expect(text?.contains("hunter2") == false)
    }

    @Test(
        "hashes that cost too little or too much are refused",
        arguments: [
            ("$2b$03$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "a cost of 3"),
            ("$2b$15$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "a cost of 15"),
            ("$y$jJT$abcdefgh$vd9GBZ0X.Wgh3dsxBvCnIOYDItsueGfttJXG763.dDA", "than 256MiB"),
            ("$7$OU..../....saltsalt$4rn3uYfhV6KXd7ZnBH7frr3TnK3NA0.7qzYU/winIq2", "256MiB"),
            ("$7$CU..../zzzzsaltsalt$4rn3uYfhV6KXd7ZnBH7frr3TnK3NA0.7qzYU/winIq2", "256MiB"),
            ("$7$Czzzzzzzzzzsaltsalt$4rn3uYfhV6KXd7ZnBH7frr3TnK3NA0.7qzYU/winIq2", "256MiB"),
            ("$5$rounds=999$salt$qOfjCda6YN/JiGzcA4MkoJaIXdhJzf.qd.KJPQZ7TA/", "999 rounds"),
            ("$5$rounds=1000001$salt$qOfjCda6YN/JiGzcA4MkoJaIXdhJzf.qd.KJPQZ7TA/", "rounds"),
            ("$5$rounds=99999999999999999999$s$qOfjCda6YN/JiGzcA4MkoJaIXdhJzf.qd", "cut short"),
        ])
    func costs(hash: String, found: String) {
        let text = problem("ann:\(hash)")
        #expect(text?.contains(found) == true, "\(text ?? "")")
    }

    @Test("the bounds of a list are held, and its lines told")
    func bounds() {
        let hash = Self.bcrypt
        let long = String(repeating: "n", count: 256)
        for (text, expected) in [
            ("", "found no user"), ("# nobody\n", "found no user"),
            ("ann", "found no colon on line 1"), ("\n:\(hash)", "found no name on line 2"),
            ("a\u{1}n:\(hash)", "found control characters in the name on line 1"),
            ("\(long):\(hash)", "found a name of 256 bytes on line 1, expected at most 255"),
            ("ann:\(hash)\nbob:\(hash)\nann:\(hash)", "found the user \"ann\" on lines 1 and 3"),
            (
                (0...10_000).map { "u\($0):\(hash)" }.joined(separator: "\n"),
                "found more than 10000 users"
            ),
        ] {
            #expect(problem(text)?.contains(expected) == true, "\(expected)")
        }
        #expect(problem((0..<10_000).map { "u\($0):\(hash)" }.joined(separator: "\n")) == nil)
    }
}
