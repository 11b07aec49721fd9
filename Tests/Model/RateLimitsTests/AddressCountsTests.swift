// Goal: connections are counted by client, exactly and over all threads, in memory that does not
// grow; nobody gets more than the limit, and what is released can be had again. Method: one client
// to the limit and back, many clients in a small table, and threads that take and release at once.

import Endpoints
import RateLimits
import Testing

@Suite struct AddressCountsTests {
    private func key(_ number: UInt32) -> RateKey { .address(.v4(number)) }

    private func place(_ outcome: AddressCounts.Outcome) -> Int? {
        if case .counted(let place) = outcome { place } else { nil }
    }

    @Test("a client has as many as it may have, and another for each that ends")
    func limit() throws {
        let counts = AddressCounts(connections: 100)
        let first = try (0..<3).map { _ in try #require(place(counts.take(key(1), most: 3))) }
        #expect(Set(first).count == 1)
        #expect(counts.take(key(1), most: 3) == .refused)
        #expect(place(counts.take(key(2), most: 3)) != nil)
        counts.release(first[0])
        #expect(place(counts.take(key(1), most: 3)) != nil)
        #expect(counts.take(key(1), most: 3) == .refused)
        // A limit that has become smaller refuses until enough have ended.
        for _ in 0..<3 { counts.release(first[0]) }
        #expect(place(counts.take(key(1), most: 1)) != nil)
        #expect(counts.take(key(1), most: 1) == .refused)
    }

    @Test("a /64 of IPv6 is one client, and a place without connections is another's")
    func addresses() throws {
        let counts = AddressCounts(connections: 1)
        #expect(place(counts.take(.address(.v6(1, 7)), most: 1)) != nil)
        #expect(counts.take(.address(.v6(1, 8)), most: 1) == .refused)
        // Eight places of one set, each given to one client after the other.
        for number in 0..<1000 {
            let taken = try #require(place(counts.take(key(UInt32(number)), most: 1)))
            counts.release(taken)
        }
    }

    @Test("more clients than places are neither refused nor counted")
    func crowd() {
        let counts = AddressCounts(connections: 1)
        let outcomes = (0..<20).map { counts.take(key($0), most: 1) }
        #expect(outcomes.filter { place($0) != nil }.count == 8)
        #expect(outcomes.filter { $0 == .crowded }.count == 12)
    }

    @Test("of as many clients as may connect, nearly all have a place")
    func room() {
        let counts = AddressCounts(connections: 10_000)
        let crowded = (0..<10_000).filter { counts.take(key(UInt32($0)), most: 1) == .crowded }
        #expect(crowded.count < 20)
    }

    @Test("threads that take and release at once count right")
    func threads() {
        let counts = AddressCounts(connections: 4)
        // Few clients, so that they meet in one place all the time.
        _ = onThreads(8) { thread in
            for turn in 0..<5000 {
                let client = UInt32((turn + thread) % 3)
                if case .counted(let place) = counts.take(.address(.v4(client)), most: 5) {
                    counts.release(place)
                }
            }
            return 0
        }
        // Nothing is left: each client can have all of its connections again, and no more.
        for client in 0..<3 {
            let outcomes = (0..<6).map { _ in counts.take(key(UInt32(client)), most: 5) }
            #expect(outcomes.filter { place($0) != nil }.count == 5)
            #expect(outcomes.last == .refused)
        }
    }

    @Test("threads together never have more than the limit")
    func together() {
        let counts = AddressCounts(connections: 100)
        let taken = onThreads(8) { _ in
            (0..<100).count { _ in
                if case .counted = counts.take(.address(.v4(1)), most: 50) { true } else { false }
            }
        }
        #expect(taken == 50)
    }

    @Test("a limit that follows another goes on with its counts, if they have the room")
    func kept() throws {
        let old = ConnectionLimit(most: 2, connections: 100)
        _ = old.counts.take(key(1), most: old.most)
        let new = ConnectionLimit(most: 1, connections: 50, keeping: old)
        #expect(new.counts.take(key(1), most: new.most) == .refused)
        let larger = ConnectionLimit(most: 1, connections: 101, keeping: new)
        #expect(place(larger.counts.take(key(1), most: 1)) != nil)
    }
}
