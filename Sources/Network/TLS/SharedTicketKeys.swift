// SharedTicketKeys: the keys of session tickets that many machines have together, as one of them
// wrote them to where all read, and when which of them seals. Pure: it is told the time.
//
// | age of what was written | seals             | opens as well             | then                  |
// |-------------------------|-------------------|---------------------------|-----------------------|
// | up to `lifetime`        | the first         | the next and those before |                       |
// | up to twice that        | the next          | the first, and one before | one of all writes     |
// | more                    | none of them: the | the next, the first, for  | one of all writes     |
// |                         | process's own     | as long again each        |                       |
//
// The next key is written one lifetime before it seals. So nobody ever seals with a key that
// another does not know yet; and while the place where they are written is away all change to it at
// the same hour, without a word to each other. Only when that one is too old as well does each
// process seal by keys of its own.
//
// Keys that somebody else has written, which have no time, are that one's to renew: the first
// seals, all open.

internal import FoundationEssentials

/// Shared keys as they were read. Value type, any thread.
package struct SharedTicketKeys: Equatable, Sendable {
    /// The key that seals first, then the next one, then those that sealed before, the newest
    /// first.
    package let keys: [TicketKey]
    /// When the first began to seal, in seconds of Unix time; nil for keys that nobody renews here.
    package let begins: Int?

    /// How long a key seals, in seconds.
    package static let lifetime = 8 * 3600
    /// Keys that are written: two that sealed before, since a ticket is opened for a day.
    private static let countMax = 4

    /// The keys of a text as files have them, which began to seal at `begins`, in seconds of Unix
    /// time; 0: it has no time.
    package init(_ bytes: [UInt8], begins: UInt64) throws(TicketKeyProblem) {
        keys = try TicketKey.read(bytes)
        self.begins = begins == 0 ? nil : Int(clamping: begins)
    }

    private init(_ keys: [TicketKey], begins: Int) {
        self.keys = keys
        self.begins = begins
    }

    /// New keys that begin to seal at `now`; nil when the library, which is loaded by now, has no
    /// random bytes.
    package static func new(now: Int) -> SharedTicketKeys? {
        guard let first = TicketKey.random(), let next = TicketKey.random() else { return nil }
        return SharedTicketKeys([first, next], begins: now)
    }

    /// How old they are, in seconds: `known` is for how long this process has known them, which
    /// counts where a clock is wrong. 0 for keys without a time.
    package func age(now: Int, known: Int) -> Int {
        guard let begins else { return 0 }
        return max(now - begins, known, 0)
    }

    /// What is in force at this age, and for how long it stays so, in seconds; nil for keys without
    /// a time.
    package func inForce(age: Int) -> (keys: [TicketKey], seals: Bool, left: Int?) {
        guard begins != nil else { return (keys, true, nil) }
        let steps = age / Self.lifetime
        let left = Self.lifetime - age % Self.lifetime
        switch steps {
        case 0: return (keys, true, left)
        case 1 where keys.count > 1:
            return ([keys[1], keys[0]] + keys.dropFirst(2).prefix(1), true, left)
        // The first has sealed until one lifetime, and is opened for two more; so is the next.
        case 1, 2: return (Array(keys.prefix(2)), false, left)
        case 3: return (Array(keys.dropFirst().prefix(1)), false, left)
        default: return ([], false, left)
        }
    }

    /// Whether somebody has to renew them at this age.
    package func isDue(age: Int) -> Bool { begins != nil && age >= Self.lifetime }

    /// The keys to be written in their place at `now`, when they have this age, which is due: as
    /// many lifetimes as have passed, as many new ones. Nil without random bytes.
    package func renewed(now: Int, age: Int) -> SharedTicketKeys? {
        var ring = keys
        for _ in 0..<min(max(age / Self.lifetime, 1), Self.countMax) {
            guard let fresh = TicketKey.random(), let next = ring.count > 1 ? ring[1] : .random()
            else { return nil }
            ring = [next, fresh, ring[0]] + ring.dropFirst(2)
        }
        return SharedTicketKeys(Array(ring.prefix(Self.countMax)), begins: now)
    }

    /// The text that is written, as files have it. Not to be shown anywhere.
    package var text: [UInt8] {
        keys.flatMap { Array(Data($0.bytes).base64EncodedString().utf8) + [0x0A] }
    }
}
