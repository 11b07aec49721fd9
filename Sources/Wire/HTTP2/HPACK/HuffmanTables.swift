// The Huffman code of HPACK (RFC 7541 appendix B) as tables. It is canonical: in the order of their
// lengths, and for one length in that of the bytes that they stand for, codes are consecutive
// numbers. The tables are literals, so that they are there when the program starts, without a
// question at each use whether they are.

/// Finds what a code stands for. Any thread.
enum HuffmanTables {
    /// What a code stands for, in the upper eight bits, and the bits that it has, in the lower.
    typealias Symbol = UInt16

    /// Bits of the longest code.
    static let codeBitsMax = 30

    /// What begins with a code of more than eight bits, which `bits` begin with; 0 for that of the
    /// end.
    @inline(never)
    static func longSymbol(_ bits: UInt32) -> Symbol {
        if bits < 0xFF40_0000 {  // five of ten bits, the shortest of these
            return UInt16(symbols[74 + Int(bits >> 22 & 7)]) << 8 | 10
        }
        for index in long.indices where bits < long[index].end {
            let codes = long[index]
            let distance = (codes.end - 1 - bits) >> UInt32(32 - codes.length)
            return UInt16(symbols[codes.lastSymbol - Int(distance)]) << 8 | UInt16(codes.length)
        }
        return 0
    }

    /// The codes of one length.
    struct Codes {
        let length: Int
        /// The first number that is larger than all of them, where a code is the upper bits of 32.
        let end: UInt32
        /// Where in `symbols` that of the last one is.
        let lastSymbol: Int
    }

    /// The codes of more than eight bits, but that of the end.
    private static let long: InlineArray<17, Codes> = [
        .init(length: 10, end: 0xFF400000, lastSymbol: 78),
        .init(length: 11, end: 0xFFA00000, lastSymbol: 81),
        .init(length: 12, end: 0xFFC00000, lastSymbol: 83),
        .init(length: 13, end: 0xFFF00000, lastSymbol: 89),
        .init(length: 14, end: 0xFFF80000, lastSymbol: 91),
        .init(length: 15, end: 0xFFFE0000, lastSymbol: 94),
        .init(length: 19, end: 0xFFFE6000, lastSymbol: 97),
        .init(length: 20, end: 0xFFFEE000, lastSymbol: 105),
        .init(length: 21, end: 0xFFFF4800, lastSymbol: 118),
        .init(length: 22, end: 0xFFFFB000, lastSymbol: 144),
        .init(length: 23, end: 0xFFFFEA00, lastSymbol: 173),
        .init(length: 24, end: 0xFFFFF600, lastSymbol: 185),
        .init(length: 25, end: 0xFFFFF800, lastSymbol: 189),
        .init(length: 26, end: 0xFFFFFBC0, lastSymbol: 204),
        .init(length: 27, end: 0xFFFFFE20, lastSymbol: 223),
        .init(length: 28, end: 0xFFFFFFF0, lastSymbol: 252),
        .init(length: 30, end: 0xFFFFFFFC, lastSymbol: 255),
    ]

    /// The byte that each code stands for, in the order of the codes.
    private static let symbols: InlineArray<256, UInt8> = [
        48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51,
        52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100, 102, 103, 104, 108, 109,
        110, 112, 114, 117, 58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76,
        77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89, 106, 107, 113, 118,
        119, 120, 121, 122, 38, 42, 44, 59, 88, 90, 33, 34, 40, 41, 63, 39,
        43, 124, 35, 62, 0, 36, 64, 91, 93, 126, 94, 125, 60, 96, 123, 92,
        195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161, 167, 172, 176, 177,
        179, 209, 216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154, 156, 160,
        163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232,
        233, 1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157,
        158, 165, 166, 168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239, 9, 142,
        144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193,
        200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211,
        212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254,
        2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20,
        21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220, 249, 10, 13, 22,
    ]

    /// By eight bits, inverted, the symbol of the code that they begin with; 0 if that has more.
    static let short: InlineArray<256, Symbol> = [
        0x0000, 0x0000, 0x5A08, 0x5808, 0x3B08, 0x2C08, 0x2A08, 0x2608,
        0x7A07, 0x7A07, 0x7907, 0x7907, 0x7807, 0x7807, 0x7707, 0x7707,
        0x7607, 0x7607, 0x7107, 0x7107, 0x6B07, 0x6B07, 0x6A07, 0x6A07,
        0x5907, 0x5907, 0x5707, 0x5707, 0x5607, 0x5607, 0x5507, 0x5507,
        0x5407, 0x5407, 0x5307, 0x5307, 0x5207, 0x5207, 0x5107, 0x5107,
        0x5007, 0x5007, 0x4F07, 0x4F07, 0x4E07, 0x4E07, 0x4D07, 0x4D07,
        0x4C07, 0x4C07, 0x4B07, 0x4B07, 0x4A07, 0x4A07, 0x4907, 0x4907,
        0x4807, 0x4807, 0x4707, 0x4707, 0x4607, 0x4607, 0x4507, 0x4507,
        0x4407, 0x4407, 0x4307, 0x4307, 0x4207, 0x4207, 0x3A07, 0x3A07,
        0x7506, 0x7506, 0x7506, 0x7506, 0x7206, 0x7206, 0x7206, 0x7206,
        0x7006, 0x7006, 0x7006, 0x7006, 0x6E06, 0x6E06, 0x6E06, 0x6E06,
        0x6D06, 0x6D06, 0x6D06, 0x6D06, 0x6C06, 0x6C06, 0x6C06, 0x6C06,
        0x6806, 0x6806, 0x6806, 0x6806, 0x6706, 0x6706, 0x6706, 0x6706,
        0x6606, 0x6606, 0x6606, 0x6606, 0x6406, 0x6406, 0x6406, 0x6406,
        0x6206, 0x6206, 0x6206, 0x6206, 0x5F06, 0x5F06, 0x5F06, 0x5F06,
        0x4106, 0x4106, 0x4106, 0x4106, 0x3D06, 0x3D06, 0x3D06, 0x3D06,
        0x3906, 0x3906, 0x3906, 0x3906, 0x3806, 0x3806, 0x3806, 0x3806,
        0x3706, 0x3706, 0x3706, 0x3706, 0x3606, 0x3606, 0x3606, 0x3606,
        0x3506, 0x3506, 0x3506, 0x3506, 0x3406, 0x3406, 0x3406, 0x3406,
        0x3306, 0x3306, 0x3306, 0x3306, 0x2F06, 0x2F06, 0x2F06, 0x2F06,
        0x2E06, 0x2E06, 0x2E06, 0x2E06, 0x2D06, 0x2D06, 0x2D06, 0x2D06,
        0x2506, 0x2506, 0x2506, 0x2506, 0x2006, 0x2006, 0x2006, 0x2006,
        0x7405, 0x7405, 0x7405, 0x7405, 0x7405, 0x7405, 0x7405, 0x7405,
        0x7305, 0x7305, 0x7305, 0x7305, 0x7305, 0x7305, 0x7305, 0x7305,
        0x6F05, 0x6F05, 0x6F05, 0x6F05, 0x6F05, 0x6F05, 0x6F05, 0x6F05,
        0x6905, 0x6905, 0x6905, 0x6905, 0x6905, 0x6905, 0x6905, 0x6905,
        0x6505, 0x6505, 0x6505, 0x6505, 0x6505, 0x6505, 0x6505, 0x6505,
        0x6305, 0x6305, 0x6305, 0x6305, 0x6305, 0x6305, 0x6305, 0x6305,
        0x6105, 0x6105, 0x6105, 0x6105, 0x6105, 0x6105, 0x6105, 0x6105,
        0x3205, 0x3205, 0x3205, 0x3205, 0x3205, 0x3205, 0x3205, 0x3205,
        0x3105, 0x3105, 0x3105, 0x3105, 0x3105, 0x3105, 0x3105, 0x3105,
        0x3005, 0x3005, 0x3005, 0x3005, 0x3005, 0x3005, 0x3005, 0x3005,
    ]
}
