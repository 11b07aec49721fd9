// HeadBytes: the memory that heads are decoded into, kept from head to head. An array would ask for
// each of a head's pieces whether it is shared. This file writes through pointers; what it is
// given room for is checked before.

internal import HTTP1

/// Bytes one after another, in memory of their own. One thread at a time.
@safe struct HeadBytes: ~Copyable {
    // `count` bytes are initialised; freed in deinit, and replaced when there are more.
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    /// Room for `capacity` bytes (at least 1) at first.
    init(capacity: Int) {
        precondition(capacity > 0, "no room for a byte")
        unsafe base = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit {
        unsafe base.deallocate()
    }

    /// Forgets all bytes from `newCount` on, which is at most `count`; keeps the memory.
    @inline(__always)
    mutating func truncate(to newCount: Int) {
        precondition((0...count).contains(newCount), "cannot truncate to more than there is")
        count = newCount
    }

    /// Calls `body` with the bytes in `range`, which is inside `0..<count`.
    @inline(__always)
    func withBytes<Result>(_ range: Range<Int>, _ body: (Span<UInt8>) -> Result) -> Result {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "no such bytes")
        // The span does not outlive the call; all of its bytes are initialised.
        return unsafe body(Span(_unsafeStart: base + range.lowerBound, count: range.count))
    }

    /// Calls `body` with all bytes.
    @inline(__always)
    func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        // The span does not outlive the call; all of its bytes are initialised.
        return unsafe body(Span(_unsafeStart: base, count: count))
    }

    /// The byte at `offset`, which is less than `count`.
    subscript(offset: Int) -> UInt8 {
        @inline(__always) get {
            precondition((0..<count).contains(offset), "no such byte")
            return unsafe base[offset]
        }
    }

    /// Makes room for so many bytes more.
    @inline(__always)
    mutating func makeRoom(_ more: Int) {
        if capacity &- count < more { grow(more) }  // count is never more than capacity
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let larger = max(2 * capacity, count + more)
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        unsafe memory.moveInitialize(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = memory
        capacity = larger
    }

    /// Appends all of `bytes`.
    @inline(__always)
    mutating func append(_ bytes: Span<UInt8>) {
        // Used only inside the closure, while the span lives.
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            unsafe append(from, count: source.count)
        }
    }

    /// Appends `added` bytes from `source`, which are readable and not of this memory.
    @inline(__always)
    mutating func append(_ source: UnsafePointer<UInt8>, count added: Int) {
        makeRoom(added)
        // There is room, as was just made sure.
        unsafe (base + count).initialize(from: source, count: added)
        count &+= added
    }

    /// Appends the UTF-8 of a literal, which is stored as bytes.
    @inline(__always)
    mutating func append(_ text: StaticString) {
        // A static string's bytes live as long as the program.
        unsafe append(text.utf8Start, count: text.utf8CodeUnitCount)
    }

    /// Appends bytes that are in this memory already.
    /// - Precondition: `range` is inside `0..<count`.
    mutating func append(own range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "no such bytes")
        makeRoom(range.count)
        // The room begins behind the last byte, so that the two do not overlap.
        unsafe (base + count).initialize(from: base + range.lowerBound, count: range.count)
        count &+= range.count
    }

    /// Appends the decimal digits of `number`, 0 to 999.
    mutating func appendStatus(_ number: Int) {
        makeRoom(3)
        for divisor in [100, 10, 1] {
            unsafe (base + count).initialize(to: UInt8(0x30 + number / divisor % 10))
            count += 1
        }
    }

    /// Appends what the codes in `range` of `block` stand for (RFC 7541 section 5.2); false if they
    /// are not valid.
    mutating func appendDecoded(_ block: Span<UInt8>, _ range: Range<Int>) -> Bool {
        makeRoom(HuffmanCode.decodedBytesMax(range.count))
        // There is room for all that so many codes can be.
        let decoded = unsafe HuffmanCode.decode(block, range, to: base + count)
        count &+= decoded ?? 0
        return decoded != nil
    }

    /// Copies the bytes in `range`, which is inside `0..<count`, to `target`, which has room.
    func copy(_ range: Range<Int>, to target: UnsafeMutablePointer<UInt8>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "no such bytes")
        unsafe target.update(from: base + range.lowerBound, count: range.count)
    }
}

extension HeadBytes {
    /// Whether the bytes of two ranges are the same, letter case of ASCII aside.
    func isSame(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
        func folded(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
        guard a.count == b.count else { return false }
        for (one, other) in zip(a, b) where folded(self[one]) != folded(self[other]) {
            return false
        }
        return true
    }
}

extension Span<UInt8> {
    /// Whether these are digits of zero, or none at all.
    var isZero: Bool {
        for index in indices where self[index] != 0x30 { return false }
        return true
    }
}
