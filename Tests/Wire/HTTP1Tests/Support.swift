// What the tests of this module share: text in, text out, and a source of reproducible mutations.

import HTTP1
import Random
import TestSupport

/// The bytes of `text`.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// `range` of `input` as text, with one character per byte so that nothing is repaired.
func text(_ input: [UInt8], _ range: ByteRange) -> String { text(input[range.bounds]) }

/// Bytes as text, one character per byte.
func text(_ input: some Sequence<UInt8>) -> String {
    String(String.UnicodeScalarView(input.map { Unicode.Scalar($0) }))
}

/// A whole request, and what parsing it came to.
struct ParsedRequest: ~Copyable {
    let input: [UInt8]
    let outcome: HeadOutcome
    let head: RequestHead

    init(_ text: String, limits: HeadLimits = HeadLimits()) {
        let input = bytes(text)
        var head = RequestHead(limits: limits)
        outcome = head.parse(input.span)
        self.input = input
        self.head = head
    }
}

/// A whole response, and what parsing it came to.
struct ParsedResponse: ~Copyable {
    let input: [UInt8]
    let outcome: HeadOutcome
    let head: ResponseHead

    init(
        _ text: String, answering method: HTTP1.Method = .get, limits: HeadLimits = HeadLimits()
    ) {
        let input = bytes(text)
        var head = ResponseHead(limits: limits)
        outcome = head.parse(input.span, answering: method)
        self.input = input
        self.head = head
    }
}

extension SplitMix64 {
    /// Changes, inserts, removes or repeats a few bytes, preferring those with a meaning.
    mutating func mutate(_ input: [UInt8]) -> [UInt8] {
        let telling = Array("\r\n\0\t :;=,%\"\\[]0Ff#*/\u{7F}".utf8) + [0x80, 0xFF]
        var output = input
        for _ in 0..<Int.random(in: 1...3, using: &self) {
            let at = Int.random(in: 0...output.count, using: &self)
            let byte = telling.randomElement(using: &self) ?? 0
            switch Int.random(in: 0..<20, using: &self) {
            case 0: output = Array(output.prefix(max(1, at)))
            case 1...6: output.insert(byte, at: at)
            case 7...11: output.insert(contentsOf: output.prefix(at).suffix(20), at: at)
            case 12...15 where at < output.count: output[at] = byte
            default: if at < output.count { output.remove(at: at) }
            }
        }
        return output
    }
}
