// ByteIndex: from bytes to a number, without making a value of them: the key is hashed and compared
// where it stands. Open addressing; the operator's own keys fill it, so nobody can make them
// collide, and a lookup costs the same among one and among ten thousand.

/// A hash of bytes that can be taken further as bytes come (FNV-1a).
struct ByteHash {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Begins with a number, so that the same bytes are different keys in different places.
    init(_ scope: Int32) {
        value ^= UInt64(truncatingIfNeeded: scope)
        value &*= 0x100_0000_01B3
    }

    @inline(__always)
    mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x100_0000_01B3
    }
}

/// Immutable once made; any thread.
struct ByteIndex: Sendable {
    private struct Slot: Sendable {
        /// -1 is free.
        var number: Int32 = -1
        var scope: Int32 = 0
        var start: Int32 = 0
        var count: Int32 = 0
    }

    private var slots: [Slot]
    private var keys: [UInt8] = []
    private let mask: Int
    /// Whether letters are kept and looked up in lower case.
    private let foldsCase: Bool

    /// The number of each key is its place in `entries`; the keys are distinct.
    init(_ entries: [(scope: Int32, key: [UInt8])], foldsCase: Bool = false) {
        var capacity = 8
        while capacity < entries.count * 2 { capacity *= 2 }
        slots = [Slot](repeating: Slot(), count: capacity)
        mask = capacity - 1
        self.foldsCase = foldsCase
        for (number, entry) in entries.enumerated() {
            let key = foldsCase ? entry.key.map(Self.folded) : entry.key
            var hash = ByteHash(entry.scope)
            for byte in key { hash.add(byte) }
            var at = Int(truncatingIfNeeded: hash.value) & mask
            while slots[at].number >= 0 { at = (at + 1) & mask }
            slots[at] = Slot(
                number: Int32(number), scope: entry.scope, start: Int32(keys.count),
                count: Int32(key.count))
            keys += key
        }
    }

    /// The number of the key `bytes[range]`, whose hash is `hash`; -1 when there is none.
    func find(_ hash: ByteHash, scope: Int32, _ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        var at = Int(truncatingIfNeeded: hash.value) & mask
        while true {
            let slot = slots[at]
            if slot.number < 0 { return -1 }
            if slot.scope == scope, Int(slot.count) == range.count,
                isEqual(Int(slot.start), bytes, range)
            {
                return Int(slot.number)
            }
            at = (at + 1) & mask
        }
    }

    /// The number of the key `bytes[range]`; -1 when there is none.
    func find(scope: Int32, _ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        var hash = ByteHash(scope)
        for index in range { hash.add(foldsCase ? Self.folded(bytes[index]) : bytes[index]) }
        return find(hash, scope: scope, bytes, range)
    }

    private func isEqual(_ start: Int, _ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for offset in 0..<range.count {
            let byte = bytes[range.lowerBound + offset]
            if keys[start + offset] != (foldsCase ? Self.folded(byte) : byte) { return false }
        }
        return true
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
}
