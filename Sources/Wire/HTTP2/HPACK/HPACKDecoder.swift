// Decoding of header blocks (RFC 7541). A field comes out as a line of HTTP/1.1 behind those that
// came before it: no field is an object of its own, and what is decoded stands where it is needed.

internal import HTTP1

/// Why a header block can't be decoded: an error of the connection, COMPRESSION_ERROR (RFC 9113
/// section 4.3), since no later block could be decoded either.
package enum HPACKError: UInt8, Equatable, Sendable, CaseIterable {
    /// A number has more bytes than any length or index needs, or the block ends within it.
    case invalidNumber
    /// The block ends within a field.
    case truncated
    /// An index that neither table has, or 0 (RFC 7541 sections 2.3.3 and 6.1).
    case invalidIndex
    /// A string is no valid Huffman code (section 5.2).
    case invalidCode
    /// The table would be larger than was agreed (section 6.3).
    case tableTooLarge
    /// The size of the table changes behind a field (section 4.2).
    case lateTableSize

    /// A sentence for a log line: what was found.
    package var sentence: StaticString {
        switch self {
        case .invalidNumber: "A number in a header block is cut short or has too many bytes."
        case .truncated: "A header block ends within a field."
        case .invalidIndex: "A header block names a field by an index that no table has."
        case .invalidCode: "A string in a header block is no valid Huffman code."
        case .tableTooLarge: "A header block asks for a larger table than was agreed."
        case .lateTableSize: "The size of the table changes in the midst of a header block."
        }
    }
}

/// A field that was decoded: a line at the end of the bytes that it was decoded to.
struct DecodedField {
    /// Bytes of the name.
    var nameCount: Int
    /// Bytes of the value; `: ` stands before and CR LF behind it.
    var valueCount: Int
    /// What the name means.
    var name: HeaderName
    /// Whether the value may stand in a field (RFC 9113 section 8.2.1).
    var isValueValid: Bool
}

/// What the next bytes of a header block are.
enum DecodingStep {
    /// A field.
    case field(DecodedField)
    /// The block has no more of them.
    case end
    /// The block is broken, and with it the connection.
    case broken(HPACKError)
}

/// Decodes the header blocks of one peer, in the order in which they come: each may change what
/// those after it mean, so that every block has to be decoded to its end, also one that is not
/// wanted. One thread at a time.
package struct HPACKDecoder: ~Copyable {
    private(set) var table: DynamicTable
    private let tableSizeMax: Int

    /// - Parameter tableSizeMax: the SETTINGS_HEADER_TABLE_SIZE that the peer was told, 0 to 2^14;
    ///   4,096 is what holds when it was told none (RFC 9113 section 6.5.2).
    package init(tableSizeMax: Int = 4096) {
        self.tableSizeMax = tableSizeMax
        table = DynamicTable(sizeMax: tableSizeMax)
    }

    /// Bytes of memory that it has taken for the peer's fields.
    package var memory: Int { table.memory }

    /// Decodes a whole block that nobody wants, for what it does to the table; nil if all is well.
    package mutating func skip(_ block: Span<UInt8>) -> HPACKError? {
        var offset = 0
        if let error = begin(block, at: &offset) { return error }
        var head = HeadBytes(capacity: 256)
        while true {
            switch next(block, at: &offset, isWanted: false, to: &head) {
            case .field: head.truncate(to: 0)
            case .end: return nil
            case .broken(let error): return error
            }
        }
    }

    /// Reads what stands before the fields of a block: how large the table may be from now on, as
    /// often as the peer has changed that (sections 4.2 and 6.3). `offset` becomes that of the
    /// first field. nil if all is well.
    mutating func begin(_ block: Span<UInt8>, at offset: inout Int) -> HPACKError? {
        offset = 0
        while offset < block.count, Self.isTableSize(block[offset]) {
            guard let size = HPACKInteger.read(block, at: &offset, prefix: 5) else {
                return .invalidNumber
            }
            guard size <= tableSizeMax else { return .tableTooLarge }
            table.resize(to: size)
        }
        return nil
    }

    @inline(__always)
    private static func isTableSize(_ byte: UInt8) -> Bool { byte & 0xE0 == 0x20 }

    /// Decodes the field at `offset` of `block`, which `begin` has begun; `offset` moves behind it.
    ///
    /// Appends a line to `head`. Where the result is `broken`, what stands behind the bytes that
    /// were there is undefined. With `isWanted` false a field that the tables have is not copied:
    /// then only its counts and meaning are returned.
    mutating func next(
        _ block: Span<UInt8>, at offset: inout Int, isWanted: Bool = true,
        to head: inout HeadBytes
    ) -> DecodingStep {
        guard offset < block.count else { return .end }
        let first = block[offset]
        if first >= 0x80 {
            guard let index = HPACKInteger.read(block, at: &offset, prefix: 7) else {
                return .broken(.invalidNumber)
            }
            return indexed(index, isWanted: isWanted, to: &head)
        }
        // With incremental indexing 01, without 0000, never indexed 0001; 001 is no field.
        let isInserted = first >= 0x40
        if Self.isTableSize(first) { return .broken(.lateTableSize) }
        guard
            let index = HPACKInteger.read(block, at: &offset, prefix: isInserted ? 6 : 4)
        else { return .broken(.invalidNumber) }
        return literal(block, at: &offset, index, isInserted: isInserted, to: &head)
    }

    /// Section 6.1: a field of a table.
    @inline(__always)
    private func indexed(
        _ index: Int, isWanted: Bool, to head: inout HeadBytes
    ) -> DecodingStep {
        if index > 0, index <= StaticTable.count {
            let line = StaticTable.line(index)
            if isWanted { head.append(line, whole: true) }
            return .field(
                DecodedField(
                    nameCount: Int(line.nameCount), valueCount: Int(line.valueCount),
                    name: line.name, isValueValid: true))
        }
        let age = index &- StaticTable.count &- 1
        guard age >= 0, age < Int(table.count) else { return .broken(.invalidIndex) }
        let entry = table.entry(age)
        if isWanted { table.copy(entry, whole: true, to: &head) }
        return .field(
            DecodedField(
                nameCount: Int(entry.nameCount), valueCount: Int(entry.valueCount),
                name: entry.name, isValueValid: entry.isValueValid))
    }

    /// Section 6.2: a field whose value is spelled out, and its name too if `index` is 0.
    private mutating func literal(
        _ block: Span<UInt8>, at offset: inout Int, _ index: Int, isInserted: Bool,
        to head: inout HeadBytes
    ) -> DecodingStep {
        let start = head.count
        let name: HeaderName
        if index == 0 {
            if let error = Self.string(block, at: &offset, to: &head) { return .broken(error) }
            name = head.withBytes(start..<head.count) { HeaderName(received: $0) }
            head.append(": ")
        } else if index <= StaticTable.count {
            let line = StaticTable.line(index)
            head.append(line, whole: false)
            name = line.name
        } else {
            let age = index - StaticTable.count - 1
            guard age < Int(table.count) else { return .broken(.invalidIndex) }
            let entry = table.entry(age)
            table.copy(entry, whole: false, to: &head)
            name = entry.name
        }
        let valueStart = head.count
        if let error = Self.string(block, at: &offset, to: &head) { return .broken(error) }
        let valueCount = head.count - valueStart
        let isValueValid = head.withBytes { Self.isValue($0, from: valueStart) }
        head.append("\r\n")
        let nameCount = valueStart - start - 2
        if isInserted {
            table.insert(
                head, from: start, nameCount: nameCount, name: name, isValueValid: isValueValid)
        }
        return .field(
            DecodedField(
                nameCount: nameCount, valueCount: valueCount, name: name,
                isValueValid: isValueValid))
    }

    /// Section 5.2: appends the string at `offset`, which moves behind it; nil if all is well.
    private static func string(
        _ block: Span<UInt8>, at offset: inout Int, to head: inout HeadBytes
    ) -> HPACKError? {
        guard offset < block.count else { return .truncated }
        let isCoded = block[offset] >= 0x80
        guard let count = HPACKInteger.read(block, at: &offset, prefix: 7) else {
            return .invalidNumber
        }
        guard count <= block.count - offset else { return .truncated }
        let bytes = offset..<offset + count
        offset += count
        if isCoded { return head.appendDecoded(block, bytes) ? nil : .invalidCode }
        head.append(block.extracting(bytes))
        return nil
    }

    /// Whether a field may have the value from `start` to the end of `bytes`: no control character
    /// but HTAB, and no blank at either end (RFC 9113 section 8.2.1).
    @inline(__always)
    private static func isValue(_ bytes: Span<UInt8>, from start: Int) -> Bool {
        guard start < bytes.count else { return true }
        return !Characters.isBlank(bytes[start]) && !Characters.isBlank(bytes[bytes.count &- 1])
            && ByteScan.isFieldText(bytes, from: start, to: bytes.count)
    }
}
