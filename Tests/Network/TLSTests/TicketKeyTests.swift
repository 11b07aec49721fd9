// Goal: processes that have the same keys open each other's tickets, and a file that has none says
// why. Method: rings that are given keys, or take on another's; files in both forms, and bad ones.

import FoundationEssentials
import Testing

@testable import TLS

@Suite struct TicketKeyTests {
    /// 80 bytes that no base64 has.
    private func raw(_ first: UInt8) -> [UInt8] { [first] + [UInt8](repeating: 200, count: 79) }

    private func line(_ bytes: [UInt8]) -> [UInt8] {
        Array((Data(bytes).base64EncodedString() + "\n").utf8)
    }

    @Test func `keys are read by themselves and as lines, in their order`() throws {
        let expected = [raw(1), raw(2)].compactMap { TicketKey($0) }
        #expect(expected[0].name == Array(raw(1).prefix(16)))
        #expect(try TicketKey.read(raw(1) + raw(2)) == expected)
        #expect(try TicketKey.read(line(raw(1)) + Array("\r\n".utf8) + line(raw(2))) == expected)
        #expect(expected[0].bytes == raw(1))
    }

    @Test(arguments: [
        ("", "no key"), ("\n\n", "no key"), ("AAAA\n", "something else on line 1"),
        ("key: 1\n", "7 bytes that are no base64"),
    ])
    func `a file without keys says what was found`(text: String, found: String) {
        #expect(throws: TicketKeyProblem.self) { try TicketKey.read(Array(text.utf8)) }
        do throws(TicketKeyProblem) {
            _ = try TicketKey.read(Array(text.utf8))
        } catch {
            #expect(error.description.hasPrefix("found \(found), expected keys of 80 bytes"))
            #expect(error.description.contains("openssl rand"))
        }
    }

    @Test func `cut, doubled and too many keys are refused`() {
        for bytes in [
            Array(raw(1).dropLast()), raw(1) + raw(1), line(raw(1)) + line(raw(2)).dropFirst(4),
            (0..<17).flatMap { raw($0) },
        ] {
            #expect(throws: TicketKeyProblem.self) { try TicketKey.read(bytes) }
        }
    }

    @Test func `keys that are given go before those of the ring, and replace each other`() throws {
        try OpenSSL.load()
        let ring = TicketKeys(lifetime: 100)
        let own = try #require(ring.sealing(now: 1000))
        let keys = [raw(1), raw(2)].compactMap { TicketKey($0) }
        ring.give(keys)
        #expect(ring.sealing(now: 5000) == keys[0])
        func isSealing(_ key: TicketKey) -> Bool? {
            ring.opening(name: key.name.span, now: 1050)?.isSealing
        }
        #expect(isSealing(keys[0]) == true)
        #expect(isSealing(keys[1]) == false)
        // What was sealed before the file came is still opened.
        #expect(isSealing(own) == false)
        ring.give([keys[1]])
        #expect(isSealing(keys[0]) == nil)
        #expect(isSealing(keys[1]) == true)
        ring.give([])
        #expect(isSealing(keys[1]) == nil)
        #expect(isSealing(own) == true)
    }

    @Test func `a process that takes over opens what the one before sealed`() throws {
        try OpenSSL.load()
        let (old, new) = (TicketKeys(lifetime: 1000), TicketKeys(lifetime: 1000))
        #expect(old.passedOn == [])
        old.begin()
        let passed = old.passedOn
        let now = TicketKeys.now
        let key = try #require(old.sealing(now: now))
        new.takeOn(passed)
        #expect(new.sealing(now: now) == key)
        // It grows no younger by that.
        #expect(new.sealing(now: now + 1001) != key)
        // Anything else is left alone.
        let third = TicketKeys()
        for bytes in [[], [1, 2, 3], Array(passed.dropLast()), passed + [0]] {
            third.takeOn(bytes)
            #expect(third.opening(name: key.name.span, now: now) == nil)
        }
    }
}
