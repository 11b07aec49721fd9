// What the tests of this module share: bytes as people write them, and blocks decoded to text.

import TestSupport

@testable import HTTP2

/// The bytes of `text`.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Bytes as text, one character per byte so that nothing is repaired.
func text(_ input: some Sequence<UInt8>) -> String {
    String(String.UnicodeScalarView(input.map { Unicode.Scalar($0) }))
}

/// The bytes of hexadecimal digits; blanks between them mean nothing.
func hex(_ digits: String) -> [UInt8] {
    let values = digits.compactMap { $0.hexDigitValue }
    return stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
}

/// A string of HPACK without Huffman coding, shorter than 127 bytes.
func string(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + bytes(text) }

/// A field whose name and value are spelled out, without indexing.
func literal(_ name: String, _ value: String) -> [UInt8] { [0] + string(name) + string(value) }

/// What decoding one block came to.
struct Decoded: Equatable {
    var lines: String
    var error: HPACKError?
}

extension HPACKDecoder {
    /// Decodes a whole block, which lies flush against an unmapped page.
    mutating func decode(_ block: [UInt8]) -> Decoded {
        let buffer = GuardedBuffer(capacity: max(block.count, 1))
        var head = HeadBytes(capacity: 1)
        var error: HPACKError?
        buffer.withBytes(block) { block in
            var offset = 0
            error = begin(block, at: &offset)
            while error == nil {
                let start = head.count
                switch next(block, at: &offset, to: &head) {
                case .field: continue
                case .end: return
                case .broken(let found):
                    error = found
                    head.truncate(to: start)
                }
            }
        }
        return Decoded(lines: head.withBytes(0..<head.count) { $0.text }, error: error)
    }

    /// The lines of the dynamic table, the newest first.
    var tableLines: [String] {
        (0..<Int(table.count)).map { age in
            var head = HeadBytes(capacity: 1)
            table.copy(table.entry(age), whole: true, to: &head)
            return head.withBytes(0..<head.count) { $0.text }
        }
    }
}

extension Span<UInt8> {
    /// These bytes as text, one character per byte.
    var text: String { HTTP2Tests.text(indices.map { self[$0] }) }
}
