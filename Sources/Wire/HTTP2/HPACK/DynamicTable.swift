// The dynamic table of HPACK (RFC 7541 section 2.3.2): the fields that a peer has named lately,
// each as a line of HTTP/1.1. Their bytes lie one after another in a ring, so that the oldest go
// without anything being moved. This file reads and writes that ring through pointers.
//
// A table that is not used has no memory. It can't be freed while its connection lasts: the indices
// of the peer live in it.

/// The table of one peer. One thread at a time.
@safe struct DynamicTable: ~Copyable {
    /// What each field counts beside the bytes of its name and value (RFC 7541 section 4.1): more
    /// than the four that its line has beside them, so that lines never have more bytes than the
    /// table has.
    static let entryOverhead = 32

    /// A field in the table.
    struct Entry {
        /// Where its line begins in the ring.
        fileprivate var start: UInt16
        /// Bytes of the name.
        let nameCount: UInt16
        /// Bytes of the value.
        let valueCount: UInt16
        /// What the name means.
        let name: HeaderName
        /// Whether the value may stand in a field.
        let isValueValid: Bool

        /// Bytes of the line: `: ` and CR LF are four.
        fileprivate var lineCount: Int { Int(nameCount) &+ Int(valueCount) &+ 4 }
        fileprivate var size: Int { Int(nameCount) &+ Int(valueCount) &+ entryOverhead }
    }

    // Both rings have a power of two as their capacity, or none. `count` entries up to the one
    // before `next` are initialised, and the bytes of their lines.
    private var entries: UnsafeMutablePointer<Entry>?
    private var bytes: UnsafeMutablePointer<UInt8>?
    private var entriesCapacity: UInt16 = 0
    private var bytesCapacity: UInt16 = 0
    /// Where the next entry goes.
    private var next: UInt16 = 0
    /// How many fields there are.
    private(set) var count: UInt16 = 0
    /// Where the next line goes.
    private var bytesNext: UInt16 = 0
    /// How many bytes all lines have.
    private var bytesUsed: UInt16 = 0
    /// The size of all fields, as RFC 7541 section 4.1 counts.
    private(set) var size: UInt16 = 0
    /// What `size` may be; at most 2^14.
    private(set) var sizeMax: UInt16

    /// - Precondition: `sizeMax` is 0 to 2^14.
    init(sizeMax: Int) {
        precondition((0...1 << 14).contains(sizeMax), "a table of no possible size")
        self.sizeMax = UInt16(sizeMax)
    }

    deinit {
        unsafe entries?.deallocate()
        unsafe bytes?.deallocate()
    }

    /// Bytes of memory that it has taken.
    var memory: Int { Int(entriesCapacity) * MemoryLayout<Entry>.stride + Int(bytesCapacity) }

    /// The field that was added `age` fields ago, which is less than `count`: 0 is the newest.
    @inline(__always)
    func entry(_ age: Int) -> Entry {
        precondition(age >= 0 && age < Int(count), "no such field")
        guard let entries = unsafe entries else { preconditionFailure("a field without memory") }
        // Below the capacity, by the mask.
        return unsafe entries[(Int(next) &- 1 &- age) & (Int(entriesCapacity) &- 1)]
    }

    /// Appends to `head` the line of `entry`, a field of this table; or only its name with ": ".
    func copy(_ entry: Entry, whole: Bool, to head: inout HeadBytes) {
        guard let bytes = unsafe bytes else { preconditionFailure("a field without memory") }
        let start = Int(entry.start)
        let count = whole ? entry.lineCount : Int(entry.nameCount) &+ 2
        // The line was written to the ring from `start` on, around its end.
        let first = min(count, Int(bytesCapacity) &- start)
        unsafe head.append(bytes + start, count: first)
        if first < count { unsafe head.append(bytes, count: count &- first) }
    }

    /// Changes what the fields may count together: the oldest go, as many as are too many.
    /// - Precondition: `newMax` is 0 to 2^14.
    mutating func resize(to newMax: Int) {
        precondition((0...1 << 14).contains(newMax), "a table of no possible size")
        sizeMax = UInt16(newMax)
        evict(toHold: newMax)
    }

    private mutating func evict(toHold limit: Int) {
        while Int(size) > limit {
            let oldest = entry(Int(count) - 1)
            size -= UInt16(oldest.size)
            bytesUsed -= UInt16(oldest.lineCount)
            count -= 1
        }
    }

    /// Adds the field whose line begins at `start` in `head` and goes to its end. One that is
    /// larger than the whole table empties it, which is no error (RFC 7541 section 4.4).
    mutating func insert(
        _ head: borrowing HeadBytes, from start: Int, nameCount: Int, name: HeaderName,
        isValueValid: Bool
    ) {
        let lineCount = head.count - start
        let size = lineCount - 4 + Self.entryOverhead
        guard size <= Int(sizeMax) else {
            evict(toHold: 0)
            return
        }
        evict(toHold: Int(sizeMax) - size)
        makeRoom(lineCount)
        guard let entries = unsafe entries, let bytes = unsafe bytes else {
            preconditionFailure("room was made and is not there")
        }
        let entry = Entry(
            start: bytesNext, nameCount: UInt16(nameCount),
            valueCount: UInt16(lineCount - 4 - nameCount), name: name, isValueValid: isValueValid)
        // Both places are below the capacities; around its end the ring begins again.
        unsafe entries[Int(next)] = entry
        let first = min(lineCount, Int(bytesCapacity) - Int(bytesNext))
        unsafe head.copy(start..<start + first, to: bytes + Int(bytesNext))
        unsafe head.copy(start + first..<head.count, to: bytes)
        next = (next + 1) & (entriesCapacity - 1)
        bytesNext = UInt16((Int(bytesNext) + lineCount) & (Int(bytesCapacity) - 1))
        bytesUsed += UInt16(lineCount)
        self.size += UInt16(size)
        count += 1
    }

    /// Makes room for one field more, whose line has so many bytes.
    private mutating func makeRoom(_ lineCount: Int) {
        if count == entriesCapacity { growEntries() }
        let needed = Int(bytesUsed) + lineCount
        if needed > Int(bytesCapacity) { growBytes(needed) }
    }

    @inline(never)
    private mutating func growEntries() {
        let capacity = max(8, 2 * entriesCapacity)
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: Int(capacity))
        // The oldest first; `count` of them, which is less than the new capacity.
        for place in 0..<Int(count) {
            unsafe (larger + place).initialize(to: entry(Int(count) - 1 - place))
        }
        unsafe entries?.deallocate()
        unsafe entries = larger
        entriesCapacity = capacity
        next = count
    }

    @inline(never)
    private mutating func growBytes(_ needed: Int) {
        var capacity = max(256, 2 * Int(bytesCapacity))
        while capacity < needed { capacity *= 2 }
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        if let bytes = unsafe bytes, let entries = unsafe entries {
            var to = 0
            for age in (0..<Int(count)).reversed() {
                let entry = entry(age)
                // As in `copy`, in two parts; all lines together have less than the new capacity.
                let first = min(entry.lineCount, Int(bytesCapacity) - Int(entry.start))
                unsafe (larger + to).initialize(from: bytes + Int(entry.start), count: first)
                unsafe (larger + to + first).initialize(
                    from: bytes, count: entry.lineCount - first)
                let place = (Int(next) - 1 - age) & (Int(entriesCapacity) - 1)
                unsafe entries[place].start = UInt16(to)
                to += entry.lineCount
            }
            unsafe bytes.deallocate()
        }
        unsafe bytes = larger
        bytesCapacity = UInt16(capacity)
        bytesNext = bytesUsed
    }
}
