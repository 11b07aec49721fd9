// Goal: credentials are read as RFC 7617 has them and in no other way; what is known of some is
// found until its time is over, by nobody else's, and takes no more room than it was given. Method:
// values with malformed twins; a clock that the test turns; marks by keys that repeat.

import Passwords
import Random
import Testing

@Suite struct CredentialsTests {
    private func read(_ value: String) -> (name: String, password: String)? {
        var credentials = Credentials()
        let bytes = Array(value.utf8)
        guard credentials.read(bytes.span) else {
            let copies = credentials.copies
            #expect(copies.name.isEmpty && copies.password.isEmpty)
            return nil
        }
        let (name, password) = credentials.copies
        let count = credentials.withName { $0.count }
        #expect(count == name.count)
        return (
            String(decoding: name, as: UTF8.self), String(decoding: password, as: UTF8.self)
        )
    }

    @Test(
        "name and password, the colon between them the first one",
        arguments: [
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),
            ("basic dGVzdDoxMjPCow==", "test", "123£"), ("BASIC   YTpiOmM=", "a", "b:c"),
            ("Basic YTo=", "a", ""), ("Basic YWI6Og==", "ab", ":"),
            ("Basic IDp4", " ", "x"), ("Basic Pz8/Pz4+Pj46YQ==", "????>>>>", "a"),
        ])
    func whole(value: String, name: String, password: String) throws {
        let found = try #require(read(value))
        #expect(found.name == name && found.password == password)
    }

    @Test(
        "everything else is none",
        arguments: [
            "", "Basic", "Basic ", "Bearer YTpi", "Basic\tYTpi", "BasicYTpi", "Basic YTpi ",
            "Basic YTp i", "Basic YTpiC", "Basic YTo", "Basic YTo=a", "Basic YTo==", "Basic YTp=",
            "Basic YQ==YTpi", "Basic =YTpi", "Basic ====", "Basic YTpi====", "Basic Y-pi",
            // No colon; no name; control characters in either.
            "Basic YWJj", "Basic OnB3", "Basic YQA6Yg==", "Basic YTpiAA==", "Basic YQ06Yg==",
            "Basic YTpiCg==", "Basic YX86Yg==", "Basic YTpifw==", "Digest username=\"a\"",
        ])
    func malformed(value: String) { #expect(read(value) == nil, "\(value)") }

    @Test("a value, a name and a password have their bounds")
    func bounds() {
        // `a` in base64 by threes: YWFh.
        func text(_ head: String, _ triples: Int, _ tail: String = "") -> String {
            "Basic " + head + String(repeating: "YWFh", count: triples) + tail
        }
        #expect(read(text("YTph", 170))?.password.utf8.count == 511)  // `a:a`, 170 times 3
        #expect(read(text("YTph", 170, "YQ==")) == nil)
        #expect(read(text("", 85, "OmE="))?.name.utf8.count == 255)
        #expect(read(text("", 85, "YTph")) == nil)
        #expect(read(text("YTph", 260)) == nil)
        #expect(read("Basic YTpi" + String(repeating: " ", count: 2000)) == nil)
    }

    @Test("one value after the other, in the same memory")
    func again() {
        var credentials = Credentials()
        let long = Array("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".utf8)
        let short = Array("Basic YTpi".utf8)
        for _ in 0..<3 {
            let areRead = [credentials.read(long.span), credentials.read(short.span)]
            #expect(areRead == [true, true])
            #expect(credentials.copies.name == [0x61] && credentials.copies.password == [0x62])
            let none = Array("Basic YTp".utf8)
            let isRead = credentials.read(none.span)
            let count = credentials.withName { $0.count }
            #expect(!isRead && count == 0)
        }
    }

    // MARK: - What is remembered

    private func mark(
        _ marker: CredentialMarker, _ number: Int, list: UInt64 = 1
    ) -> CredentialMark {
        let value = Array("Basic \(number)".utf8)
        return marker.mark(of: value.span, for: list)
    }

    @Test("marks are those of one value, one list and one set of keys")
    func marks() {
        var random = SplitMix64(seed: 1)
        let marker = CredentialMarker(using: &random)
        let other = CredentialMarker(using: &random)
        #expect(mark(marker, 1) == mark(marker, 1))
        #expect(mark(marker, 1) != mark(marker, 2))
        #expect(mark(marker, 1) != mark(marker, 1, list: 2))
        #expect(mark(marker, 1) != mark(other, 1))
        let (long, short) = (Array("Basic 1\0".utf8), Array("Basic 1".utf8))
        let ofLong = marker.mark(of: long.span, for: 1)
        let ofShort = marker.mark(of: short.span, for: 1)
        #expect(ofLong != ofShort)
    }

    @Test("what is remembered is found until its time is over, and can be remembered again")
    func time() {
        var random = SplitMix64(seed: 2)
        let marker = CredentialMarker(using: &random)
        var memory = CredentialMemory(capacity: 16)
        #expect(!memory.contains(mark(marker, 1), at: 0))
        memory.remember(mark(marker, 1), until: 100)
        #expect(memory.contains(mark(marker, 1), at: 0))
        #expect(memory.contains(mark(marker, 1), at: 99))
        #expect(!memory.contains(mark(marker, 1), at: 100))
        #expect(!memory.contains(mark(marker, 2), at: 0))
        #expect(!memory.contains(mark(marker, 1, list: 2), at: 0))
        memory.remember(mark(marker, 1), until: 300)
        #expect(memory.contains(mark(marker, 1), at: 200))
    }

    @Test("no more is remembered than there is room for; what ends first goes first")
    func room() {
        var random = SplitMix64(seed: 3)
        let marker = CredentialMarker(using: &random)
        var memory = CredentialMemory(capacity: 1024)
        for number in 0..<100_000 {
            memory.remember(mark(marker, number), until: UInt64(1000 + number))
            #expect(memory.contains(mark(marker, number), at: 1))
        }
        let found = (0..<100_000).filter { memory.contains(mark(marker, $0), at: 1) }
        #expect(found.count == 1024)
        // The places of a mark are four: the last 4,096 of so many have nearly all of them.
        #expect(found.allSatisfy { $0 > 90_000 })
        // With as many places as marks, most have one of their own.
        var small = CredentialMemory(capacity: 1024)
        for number in 0..<256 { small.remember(mark(marker, number), until: 1000) }
        #expect((0..<256).count { small.contains(mark(marker, $0), at: 1) } > 250)
        // Remembered again, each has the new time alone.
        for number in 0..<256 { small.remember(mark(marker, number), until: 10) }
        #expect((0..<256).allSatisfy { !small.contains(mark(marker, $0), at: 10) })
    }
}
