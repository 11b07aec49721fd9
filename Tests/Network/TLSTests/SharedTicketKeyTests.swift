// Goal: keys that many machines share seal in turns, all change at the same hour without a word,
// and one that is too old opens nothing. Method: ages, and what is in force at each.

import Testing

@testable import TLS

@Suite struct SharedTicketKeyTests {
    private static let hour = 3600

    init() throws {
        try OpenSSL.load()
    }

    /// What stands behind "seals": the first, if it seals.
    private func sealing(_ keys: SharedTicketKeys, hours: Double) -> TicketKey? {
        let inForce = keys.inForce(age: Int(hours * Double(Self.hour)))
        return inForce.seals ? inForce.keys.first : nil
    }

    private func opened(_ keys: SharedTicketKeys, hours: Double) -> Set<[UInt8]> {
        Set(keys.inForce(age: Int(hours * Double(Self.hour))).keys.map(\.name))
    }

    @Test func `without a renewal the next key seals, then none, and each opens for a day`()
        throws
    {
        let first = try #require(SharedTicketKeys.new(now: 1_000_000))
        #expect(first.keys.count == 2)
        #expect(sealing(first, hours: 0) == first.keys[0])
        #expect(sealing(first, hours: 7.9) == first.keys[0])
        #expect(sealing(first, hours: 8) == first.keys[1])
        #expect(sealing(first, hours: 15.9) == first.keys[1])
        #expect(sealing(first, hours: 16) == nil)
        // What the first sealed last is opened for as long as the ring's own keys are.
        #expect(opened(first, hours: 23.9) == Set(first.keys.map(\.name)))
        #expect(opened(first, hours: 24) == [first.keys[1].name])
        #expect(opened(first, hours: 32) == [])
    }

    @Test func `nobody seals with a key that another does not know, and old ones go`() throws {
        var keys = try #require(SharedTicketKeys.new(now: 0))
        var sealed: [TicketKey] = [keys.keys[0]]
        for turn in 1...6 {
            let next = keys.keys[1]
            let age = 8 * Self.hour + 17
            #expect(keys.isDue(age: age) && !keys.isDue(age: 8 * Self.hour - 1))
            // Processes that have not heard of the renewal seal with it already.
            #expect(sealing(keys, hours: 8) == next)
            keys = try #require(keys.renewed(now: turn * age, age: age))
            #expect(keys.begins == turn * age)
            #expect(sealing(keys, hours: 0) == next)
            #expect(!sealed.contains(keys.keys[1]))
            sealed.insert(next, at: 0)
            #expect(keys.keys.dropFirst(2) == sealed.dropFirst().prefix(2))
            #expect(keys.keys.count <= 4)
            // It is written and read as it is.
            #expect(try SharedTicketKeys(keys.text, begins: UInt64(turn * age)) == keys)
        }
        // Everybody was away for a week: nothing of before opens.
        let before = Set(keys.keys.map(\.name))
        let fresh = try #require(keys.renewed(now: 9_000_000, age: 7 * 86400))
        #expect(before.isDisjoint(with: fresh.keys.prefix(2).map(\.name)))
        let age = 2 * 8 * Self.hour
        let later = try #require(keys.renewed(now: 0, age: age))
        #expect(later.keys.dropFirst(2) == [keys.keys[1], keys.keys[0]])
    }

    @Test func `keys without a time are somebody else's: all open, and none is renewed`() throws {
        let made = try #require(SharedTicketKeys.new(now: 5))
        let keys = try SharedTicketKeys(made.text, begins: 0)
        #expect(keys.begins == nil && !keys.isDue(age: .max))
        #expect(sealing(keys, hours: 1000) == keys.keys[0])
        #expect(keys.inForce(age: 0).left == nil)
        #expect(keys.age(now: 1_000_000, known: 1_000_000) == 0)
        #expect(throws: TicketKeyProblem.self) { try SharedTicketKeys([1, 2], begins: 5) }
    }

    @Test func `a clock that is wrong makes keys no younger than they are known`() throws {
        let keys = try SharedTicketKeys(
            try #require(SharedTicketKeys.new(now: 5)).text, begins: UInt64.max)
        #expect(keys.age(now: 1_000_000, known: 60) == 60)
        let one = try SharedTicketKeys(keys.text, begins: 1000)
        #expect(one.age(now: 500, known: 0) == 0)
        #expect(one.age(now: 5000, known: 60) == 4000)
        // A key by itself, with a time, gets a next one.
        let alone = try SharedTicketKeys(keys.text.prefix(109).map(\.self), begins: 1000)
        #expect(alone.keys.count == 1)
        #expect(alone.inForce(age: 9 * Self.hour).seals == false)
        #expect(try #require(alone.renewed(now: 0, age: 9 * Self.hour)).keys.count == 3)
    }

    @Test func `keys that are given and seal no more open, and the ring's own seal`() throws {
        let ring = TicketKeys(lifetime: 100)
        let keys = try #require(SharedTicketKeys.new(now: 5)).keys
        func isSealing(_ key: TicketKey) -> Bool? {
            ring.opening(name: key.name.span, now: 10)?.isSealing
        }
        ring.give(keys, seals: false)
        let own = try #require(ring.sealing(now: 10))
        #expect(!keys.contains(own))
        #expect(isSealing(keys[0]) == false)
        #expect(isSealing(own) == true)
        ring.give(keys)
        #expect(ring.sealing(now: 10) == keys[0])
        #expect(isSealing(own) == false)
    }
}
