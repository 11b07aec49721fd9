// Goal: header blocks are decoded as RFC 7541 has them, the table of a peer is what that peer
// thinks it is, and a broken block is told apart from a whole one.
// Method: the examples of its appendix C with the sizes that it gives, a malformed twin per rule,
// every symbol of the Huffman code, and tables driven through many evictions beside a plain model.
// Blocks lie flush against an unmapped page.

import Random
import TestSupport
import Testing

@testable import HTTP2

@Suite struct HPACKDecoderTests {
    @Test("the examples of RFC 7541 appendix C are decoded", arguments: HPACKExample.all)
    func decodes(_ example: HPACKExample) {
        var decoder = HPACKDecoder(tableSizeMax: example.tableSizeMax)
        for (digits, lines, tableSize) in example.blocks {
            let expected = lines.map { $0 + "\r\n" }.joined()
            #expect(decoder.decode(hex(digits)) == Decoded(lines: expected, error: nil))
            #expect(decoder.table.size == tableSize)
        }
    }

    @Test("a block that is cut within a field is broken, wherever it is cut")
    func cut() {
        let block = hex("4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf")
        for count in 1..<block.count {
            var decoder = HPACKDecoder()
            let decoded = decoder.decode(Array(block.prefix(count)))
            #expect(decoded.error != nil, "after \(count) bytes")
            #expect(decoder.table.count == 0)
        }
    }

    @Test(
        "a broken block is refused, and why",
        arguments: [
            ("index 0", "80", .invalidIndex), ("an index behind the tables", "be", .invalidIndex),
            ("the name of an index behind them", "7e 00", .invalidIndex),
            ("a number without an end", "ff", .invalidNumber),
            ("a number of seven bytes", "ff 80 80 80 80 80 00", .invalidNumber),
            ("no value", "04", .truncated), ("a value without its bytes", "04 01", .truncated),
            ("a name without a value", "00 01 61", .truncated),
            ("a table that is too large", "3f e2 1f", .tableTooLarge),
            ("a size behind a field", "82 20", .lateTableSize),
            ("the code of the end", "04 84 ff ff ff ff", .invalidCode),
            ("the code of the end and more", "04 85 ff ff ff fc 3f", .invalidCode),
            ("padding of eight bits", "04 82 1f ff", .invalidCode),
            ("padding that is no ones", "04 81 18", .invalidCode),
            ("a long code that is cut", "04 81 fe", .invalidCode),
        ] as [(String, String, HPACKError)])
    func broken(what: String, digits: String, error: HPACKError) {
        var decoder = HPACKDecoder()
        #expect(decoder.decode(hex(digits)).error == error, "\(what)")
    }

    @Test("sizes of the table stand before the fields, and evict")
    func tableSizes() {
        var decoder = HPACKDecoder()
        let first = decoder.decode(
            [0x40] + string("a") + string("1") + [0x40] + string("b") + string("2"))
        #expect(first.error == nil)
        #expect(decoder.tableLines == ["b: 2\r\n", "a: 1\r\n"])
        // 40 and 34: one field has room.
        #expect(decoder.decode(hex("3f 09 be")) == Decoded(lines: "b: 2\r\n", error: nil))
        #expect(decoder.tableLines == ["b: 2\r\n"])
        #expect(decoder.decode(hex("20 3f e1 1f 82")).error == nil)
        #expect(decoder.tableLines == [])
        #expect(decoder.table.sizeMax == 4096)
        #expect(decoder.decode(hex("be")).error == .invalidIndex)
    }

    @Test("a field that is larger than the table empties it, and is read all the same")
    func largerThanTable() {
        var decoder = HPACKDecoder(tableSizeMax: 64)
        #expect(decoder.decode([0x40] + string("a") + string("1")).error == nil)
        let long = String(repeating: "x", count: 40)
        let decoded = decoder.decode([0x40] + string("b") + string(long))
        #expect(decoded == Decoded(lines: "b: \(long)\r\n", error: nil))
        #expect(decoder.tableLines == [])
        #expect(decoder.table.size == 0)
    }

    @Test("a decoder that has no fields to keep has no memory")
    func memory() {
        var decoder = HPACKDecoder()
        #expect(decoder.decode(hex("82 86 84") + literal("a", "b")).error == nil)
        #expect(decoder.memory == 0)
        #expect(decoder.decode([0x40] + string("a") + string("1")).error == nil)
        #expect(decoder.memory > 0)
    }

    @Test("hundreds of fields later, the table is what a plain model says")
    func evictions() {
        for sizeMax in [0, 33, 100, 4096, 16_384] {
            var random = SplitMix64(seed: UInt64(sizeMax))
            var decoder = HPACKDecoder(tableSizeMax: sizeMax)
            var model: [(name: String, value: String)] = []
            for _ in 0..<300 {
                let name = String(repeating: "n", count: Int.random(in: 1...20, using: &random))
                let value = String(repeating: "v", count: Int.random(in: 0...120, using: &random))
                model.insert((name, value), at: 0)
                while model.reduce(0, { $0 + $1.name.count + $1.value.count + 32 }) > sizeMax {
                    model.removeLast()
                }
                let decoded = decoder.decode([0x40] + string(name) + string(value))
                #expect(decoded == Decoded(lines: "\(name): \(value)\r\n", error: nil))
                #expect(Int(decoder.table.count) == model.count)
                guard let any = model.indices.randomElement(using: &random) else { continue }
                let block = [UInt8](capacity: 8) { out in
                    HPACKInteger.append(62 + any, prefix: 7, flags: 0x80, to: &out)
                }
                let line = "\(model[any].name): \(model[any].value)\r\n"
                #expect(decoder.decode(block) == Decoded(lines: line, error: nil))
            }
            #expect(decoder.tableLines == model.map { "\($0.name): \($0.value)\r\n" })
        }
    }
}
