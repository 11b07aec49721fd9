// Header blocks of one connection, one after another: each is decoded to the fields that libnghttp2
// decodes it to, or refused as there, and the tables of the two stay alike.

internal import CNGHTTP2
internal import HTTP1

@testable internal import HTTP2

/// One input to the decoder: blocks, each behind a byte that says how long it is.
@Sendable func fuzzHPACK(_ input: Span<UInt8>) {
    var decoder = HPACKDecoder()
    // Decodes what the other does, and keeps nothing.
    var skipping = HPACKDecoder()
    let inflater = Inflater()
    var at = 0
    while at < input.count {
        let count = min(Int(input[at]), input.count - at - 1)
        let block = input.copy(at + 1..<at + 1 + count)
        at += 1 + count

        let (lines, error) = decode(block, &decoder)
        let expected = inflater.inflate(block)
        require(lines == expected.lines, "\(lines), not \(expected.lines)")
        require((error != nil) == expected.isBroken, "\(String(describing: error))")
        require(skipping.skip(block.span) == error, "skipped with another result")
        if error != nil { return }
        for table in [tableState(decoder), tableState(skipping)] {
            require(table == inflater.tableState, "\(table), not \(inflater.tableState)")
        }
    }
}

private func tableState(_ decoder: borrowing HPACKDecoder) -> [Int] {
    [Int(decoder.table.count), Int(decoder.table.size)]
}

/// The lines of the fields up to the end of a block, or to where it is broken.
private func decode(
    _ block: [UInt8], _ decoder: inout HPACKDecoder
) -> (lines: [UInt8], error: HPACKError?) {
    var head = HeadBytes(capacity: 1)
    var offset = 0
    var error = decoder.begin(block.span, at: &offset)
    while error == nil {
        let start = head.count
        switch decoder.next(block.span, at: &offset, to: &head) {
        case .field(let field):
            require(head.count - start == field.nameCount + field.valueCount + 4, "counts")
            continue
        case .end: return (head.withBytes { $0.copy(0..<$0.count) }, nil)
        case .broken(let found):
            error = found
            head.truncate(to: start)
        }
    }
    return (head.withBytes { $0.copy(0..<$0.count) }, error)
}

/// The decoder of libnghttp2.
@safe private final class Inflater {
    private let inflater: OpaquePointer

    init() {
        var inflater: OpaquePointer?
        let result = unsafe nghttp2_hd_inflate_new(&inflater)
        guard result == 0, let inflater = unsafe inflater else { fatalError("no inflater") }
        unsafe self.inflater = inflater
    }

    deinit { unsafe nghttp2_hd_inflate_del(inflater) }

    /// How many fields its table has, and what they count together.
    var tableState: [Int] {
        // Its table begins behind the 61 static fields.
        unsafe [
            nghttp2_hd_inflate_get_num_table_entries(inflater) - 61,
            nghttp2_hd_inflate_get_dynamic_table_size(inflater),
        ]
    }

    /// The lines of the fields up to the end of a block, or to where it is broken.
    func inflate(_ block: [UInt8]) -> (lines: [UInt8], isBroken: Bool) {
        var lines: [UInt8] = []
        var isBroken = false
        unsafe block.withUnsafeBufferPointer { block in
            // An empty block has no address, and the library wants one.
            var nothing: UInt8 = 0
            unsafe withUnsafePointer(to: &nothing) { nothing in
                var rest = unsafe UnsafeBufferPointer(
                    start: block.baseAddress ?? nothing, count: block.count)
                while true {
                    var field = unsafe nghttp2_nv()
                    var flags: Int32 = 0
                    let count = unsafe nghttp2_hd_inflate_hd2(
                        inflater, &field, &flags, rest.baseAddress, rest.count, 1)
                    guard count >= 0 else {
                        isBroken = true
                        return
                    }
                    unsafe rest = UnsafeBufferPointer(rebasing: rest.dropFirst(count))
                    if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
                        // Both are of the library, and valid until the next call.
                        unsafe lines += UnsafeBufferPointer(start: field.name, count: field.namelen)
                        lines += Array(": ".utf8)
                        unsafe lines += UnsafeBufferPointer(
                            start: field.value, count: field.valuelen)
                        lines += Array("\r\n".utf8)
                    }
                    if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 { break }
                }
                unsafe _ = nghttp2_hd_inflate_end_headers(inflater)
            }
        }
        return (lines, isBroken)
    }
}
