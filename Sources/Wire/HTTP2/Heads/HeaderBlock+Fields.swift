// The fields of a block, from the lines of a text: the part of writing that costs. This file reads
// and writes through pointers. How far it may go is checked before: the text has its count, and the
// block has room for what `bytesMax` says, which no line exceeds.

internal import HTTP1

extension HeaderBlock {
    /// Appends the fields of the lines from `start` to the empty line, but those dropped. Ends
    /// early at a line that is no field.
    /// - Precondition: there is room for `bytesMax` of what is left of the text.
    @inline(__always)
    static func appendFields(
        _ text: Span<UInt8>, from start: Int, into out: inout OutputSpan<UInt8>,
        isDropped: (HeaderName) -> Bool
    ) {
        precondition(start >= 0 && start <= text.count, "no such line")
        precondition(
            out.freeCapacity >= fieldsBytesMax(ofText: text.count - start),
            "more bytes than room was made for")
        // Both pointers are used only inside the closures, while the spans live.
        unsafe text.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            unsafe out.withUnsafeMutableBufferPointer { target, initialized in
                guard let to = target.baseAddress else { return }
                var lines = unsafe FieldLines(from + start, end: from + source.count)
                var writer = unsafe FieldWriter(to + initialized)
                while unsafe lines.next() {
                    let name = unsafe StaticTable.name(lines.name, count: lines.nameCount)
                    if isDropped(name) { continue }
                    if name.isIndexed {
                        unsafe writer.appendIndex(of: name)
                    } else {
                        unsafe writer.appendName(lines.name, count: lines.nameCount)
                    }
                    unsafe writer.appendValue(lines.value, count: lines.valueCount)
                }
                unsafe initialized = writer.at - to
            }
        }
    }
}

/// Walks over lines. The bytes from the one it is at to `end` are readable.
@unsafe private struct FieldLines {
    private var at: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>
    /// The name of the last line; a token.
    private(set) var name: UnsafePointer<UInt8>
    private(set) var nameCount = 0
    /// The value of the last line, without the blanks around it.
    private(set) var value: UnsafePointer<UInt8>
    private(set) var valueCount = 0

    @inline(__always)
    init(_ start: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) {
        unsafe (at, self.end, name, value) = (start, end, start, start)
    }

    /// Goes to the next line; false if there is none, or what is there is no field.
    @inline(__always)
    mutating func next() -> Bool {
        unsafe name = at
        unsafe passToken()
        unsafe nameCount = at - name
        guard unsafe nameCount > 0, unsafe at < end, unsafe at.pointee == 0x3A else { return false }
        unsafe at += 1
        while unsafe at < end, unsafe Self.isBlank(at.pointee) { unsafe at += 1 }
        unsafe value = at
        unsafe passFieldText()
        var last = unsafe at
        while unsafe last > value, unsafe Self.isBlank(last[-1]) { unsafe last -= 1 }
        unsafe valueCount = last - value
        unsafe passLineEnd()
        return true
    }

    /// Goes to the first byte that is no token character, or to the end.
    @inline(__always)
    private mutating func passToken() {
        while unsafe end - at >= 8 {
            let others = unsafe ByteScan.bytesButLettersAndHyphens(Self.word(at))
            if others == 0 {
                unsafe at += 8
                continue
            }
            unsafe at += others.trailingZeroBitCount / 8
            guard unsafe Characters.isToken(at.pointee) else { return }
            unsafe at += 1
        }
        while unsafe at < end, unsafe Characters.isToken(at.pointee) { unsafe at += 1 }
    }

    /// Goes to the first byte that may not stand in a value, or to the end.
    @inline(__always)
    private mutating func passFieldText() {
        while unsafe end - at >= 8 {
            let word = unsafe Self.word(at)
            let hit = ByteScan.bytesBelow(word, 0x20) | ByteScan.bytesEqual(word, 0x7F)
            if hit == 0 {
                unsafe at += 8
                continue
            }
            unsafe at += hit.trailingZeroBitCount / 8
            guard unsafe at.pointee == 0x09 else { return }
            unsafe at += 1
        }
        while unsafe at < end, unsafe Characters.isFieldText(at.pointee) { unsafe at += 1 }
    }

    /// Goes behind the next LF, or to the end.
    @inline(__always)
    private mutating func passLineEnd() {
        if unsafe end - at >= 2, unsafe at[1] == 0x0A {
            unsafe at += 2
        } else {
            while unsafe at < end, unsafe at.pointee != 0x0A { unsafe at += 1 }
            if unsafe at < end { unsafe at += 1 }
        }
    }

    @inline(__always)
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    @inline(__always)
    private static func word(_ start: UnsafePointer<UInt8>) -> UInt64 {
        unsafe UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
    }
}

/// Writes fields where there is room for them.
@unsafe private struct FieldWriter {
    /// Where the next byte goes.
    private(set) var at: UnsafeMutablePointer<UInt8>

    @inline(__always)
    init(_ start: UnsafeMutablePointer<UInt8>) { unsafe at = start }

    /// The name of a field by its index, without indexing the field (RFC 7541 section 6.2.2).
    /// Credentials are marked, so that no hop behind this one keeps them (sections 6.2.3 and
    /// 7.1.3).
    @inline(__always)
    mutating func appendIndex(of name: HeaderName) {
        let flags: UInt8 = name.isCredential ? 0x10 : 0
        if name.rawValue < 15 {
            unsafe append(flags | name.rawValue)
        } else {
            unsafe append(flags | 15)
            unsafe append(name.rawValue &- 15)
        }
    }

    /// A name that has no index, in lower case.
    @inline(__always)
    mutating func appendName(_ name: UnsafePointer<UInt8>, count: Int) {
        unsafe append(0)
        unsafe appendCount(count)
        for index in 0..<count {
            let byte = unsafe name[index]
            unsafe at[index] = byte &- 0x41 < 26 ? byte | 0x20 : byte
        }
        unsafe at += count
    }

    /// A value, which ends its field.
    @inline(__always)
    mutating func appendValue(_ value: UnsafePointer<UInt8>, count: Int) {
        unsafe appendCount(count)
        unsafe at.update(from: value, count: count)
        unsafe at += count
    }

    /// The length of a string without Huffman coding (RFC 7541 section 5.2).
    @inline(__always)
    private mutating func appendCount(_ count: Int) {
        guard count >= 127 else { return unsafe append(UInt8(truncatingIfNeeded: count)) }
        unsafe append(127)
        var rest = count &- 127
        while rest >= 0x80 {
            unsafe append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        unsafe append(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    private mutating func append(_ byte: UInt8) {
        unsafe at.pointee = byte
        unsafe at += 1
    }
}
