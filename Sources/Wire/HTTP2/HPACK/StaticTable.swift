// The static table of HPACK (RFC 7541 appendix A), and behind it the other names that a translator
// of heads acts upon. A field is decoded as a line of HTTP/1.1, `name: value` CR LF, so the table
// has lines too: one copy of a whole line is all that the most common fields cost.
//
// The tables are literals, so that they are there when the program starts, without a question at
// each use whether they are. This file reads the bytes of the text, and names,
// through pointers.

/// A line of the table.
struct StaticLine {
    /// Where in the text it begins.
    fileprivate let start: UInt16
    /// Bytes of the name; ": " stands behind it.
    let nameCount: UInt8
    /// Bytes of the value; CR LF stands behind it.
    let valueCount: UInt8
    /// What the name means: its lowest index.
    let name: HeaderName

    fileprivate init(_ start: UInt16, _ nameCount: UInt8, _ valueCount: UInt8, _ name: UInt8) {
        self.start = start
        self.nameCount = nameCount
        self.valueCount = valueCount
        self.name = HeaderName(rawValue: name)
    }
}

extension HeadBytes {
    /// Appends the whole line, or its name with ": " alone.
    @inline(__always)
    mutating func append(_ line: StaticLine, whole: Bool) {
        let count = Int(line.nameCount) &+ 2 &+ (whole ? Int(line.valueCount) &+ 2 : 0)
        // A static string's bytes live as long as the program, and the line is inside it.
        unsafe append(StaticTable.text.utf8Start + Int(line.start), count: count)
    }
}

/// Finds lines by index and by name. Any thread.
enum StaticTable {
    /// The lines of RFC 7541 have the indices from 1 to this.
    static let count = 61

    /// The line at `index`, which is 1 to `HeaderName.last`.
    @inline(__always)
    static func line(_ index: Int) -> StaticLine { lines[index] }

    /// What the name of `count` bytes at `name` means: a token, or the name of a pseudo-header
    /// field, in any letter case. There is one at least, and all are readable.
    @inline(__always)
    static func name(_ name: UnsafePointer<UInt8>, count: Int) -> HeaderName {
        // All three are of the name.
        let slot = unsafe slot(count, name[0], name[count &>> 1], name[count &- 1])
        let line = lines[Int(slots[slot])]
        guard Int(line.nameCount) == count, unsafe isSame(name, line) else { return .other }
        return line.name
    }

    /// Where a name is in `slots`: with these factors no two share one.
    @inline(__always)
    private static func slot(
        _ count: Int, _ first: UInt8, _ middle: UInt8, _ last: UInt8
    ) -> Int {
        let sum = count &* 4 &+ Int(first | 0x20) &* 14 &+ Int(last | 0x20) &* 23
        return (sum &+ Int(middle | 0x20)) & 0xFF
    }

    /// Whether the bytes at `name`, as many as the name of `line` has, are that name. Those of
    /// tokens and of this table are the same only if they are so with the bit of lower case set.
    @inline(__always)
    private static func isSame(_ name: UnsafePointer<UInt8>, _ line: StaticLine) -> Bool {
        let count = Int(line.nameCount)
        // A static string's bytes live as long as the program, and the line is inside it.
        let wanted = unsafe UnsafeRawPointer(text.utf8Start + Int(line.start))
        let found = unsafe UnsafeRawPointer(name)
        func isWordSame(_ at: Int) -> Bool {
            // All eight are of the names.
            let (a, b) = unsafe (
                found.loadUnaligned(fromByteOffset: at, as: UInt64.self),
                wanted.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            )
            return a | 0x2020_2020_2020_2020 == b
        }
        if count >= 8 {
            var at = 0
            while at < count &- 8 {
                if !isWordSame(at) { return false }
                at &+= 8
            }
            return isWordSame(count &- 8)  // of which some may have been looked at
        }
        for at in 0..<count {
            let (a, b) = unsafe (
                found.load(fromByteOffset: at, as: UInt8.self),
                wanted.load(fromByteOffset: at, as: UInt8.self)
            )
            if a | 0x20 != b { return false }
        }
        return true
    }

    /// By index; the one at 0 has an empty name.
    private static let lines: InlineArray<70, StaticLine> = [
        .init(0, 0, 0, 0),
        .init(0, 10, 0, 1),
        .init(14, 7, 3, 2),
        .init(28, 7, 4, 2),
        .init(43, 5, 1, 4),
        .init(53, 5, 11, 4),
        .init(73, 7, 4, 6),
        .init(88, 7, 5, 6),
        .init(104, 7, 3, 8),
        .init(118, 7, 3, 8),
        .init(132, 7, 3, 8),
        .init(146, 7, 3, 8),
        .init(160, 7, 3, 8),
        .init(174, 7, 3, 8),
        .init(188, 7, 3, 8),
        .init(202, 14, 0, 15),
        .init(220, 15, 13, 16),
        .init(252, 15, 0, 17),
        .init(271, 13, 0, 18),
        .init(288, 6, 0, 19),
        .init(298, 27, 0, 20),
        .init(329, 3, 0, 21),
        .init(336, 5, 0, 22),
        .init(345, 13, 0, 23),
        .init(362, 13, 0, 24),
        .init(379, 19, 0, 25),
        .init(402, 16, 0, 26),
        .init(422, 16, 0, 27),
        .init(442, 14, 0, 28),
        .init(460, 16, 0, 29),
        .init(480, 13, 0, 30),
        .init(497, 12, 0, 31),
        .init(513, 6, 0, 32),
        .init(523, 4, 0, 33),
        .init(531, 4, 0, 34),
        .init(539, 6, 0, 35),
        .init(549, 7, 0, 36),
        .init(560, 4, 0, 37),
        .init(568, 4, 0, 38),
        .init(576, 8, 0, 39),
        .init(588, 17, 0, 40),
        .init(609, 13, 0, 41),
        .init(626, 8, 0, 42),
        .init(638, 19, 0, 43),
        .init(661, 13, 0, 44),
        .init(678, 4, 0, 45),
        .init(686, 8, 0, 46),
        .init(698, 12, 0, 47),
        .init(714, 18, 0, 48),
        .init(736, 19, 0, 49),
        .init(759, 5, 0, 50),
        .init(768, 7, 0, 51),
        .init(779, 7, 0, 52),
        .init(790, 11, 0, 53),
        .init(805, 6, 0, 54),
        .init(815, 10, 0, 55),
        .init(829, 25, 0, 56),
        .init(858, 17, 0, 57),
        .init(879, 10, 0, 58),
        .init(893, 4, 0, 59),
        .init(901, 3, 0, 60),
        .init(908, 16, 0, 61),
        .init(928, 10, 0, 62),
        .init(942, 10, 0, 63),
        .init(956, 16, 0, 64),
        .init(976, 7, 0, 65),
        .init(987, 2, 0, 66),
        .init(993, 9, 0, 67),
        .init(1006, 17, 0, 68),
        .init(1027, 20, 0, 69),
    ]

    /// The index of the first line of the name at a slot; 0 for none.
    private static let slots: InlineArray<256, UInt8> = [
        32, 25, 0, 45, 18, 0, 0, 65, 20, 17, 57, 0, 0, 0, 0, 33, 0, 0, 0, 0,
        0, 0, 54, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 31, 52, 0, 0, 30, 0, 28,
        0, 27, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 19, 34, 0, 61, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        26, 0, 42, 0, 0, 15, 0, 0, 0, 0, 0, 58, 0, 0, 46, 0, 36, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 35, 0, 69, 0, 0, 0, 0, 63, 0,
        67, 0, 0, 0, 0, 0, 40, 22, 0, 0, 0, 43, 0, 0, 0, 44, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 39, 0, 0, 0, 0, 0, 0, 0, 38,
        60, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 41, 64, 0, 0, 0,
        0, 24, 49, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 23, 0, 0, 0, 50, 0, 53, 21, 59, 0, 62, 66, 0, 0, 0,
        68, 0, 37, 0, 0, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 47, 0, 0,
        0, 0, 0, 0, 55, 0, 0, 0, 29, 4, 0, 51, 0, 56, 8, 0,
    ]

    /// Each line ends in CR LF.
    fileprivate static let text: StaticString = """
        :authority: \r
        :method: GET\r
        :method: POST\r
        :path: /\r
        :path: /index.html\r
        :scheme: http\r
        :scheme: https\r
        :status: 200\r
        :status: 204\r
        :status: 206\r
        :status: 304\r
        :status: 400\r
        :status: 404\r
        :status: 500\r
        accept-charset: \r
        accept-encoding: gzip, deflate\r
        accept-language: \r
        accept-ranges: \r
        accept: \r
        access-control-allow-origin: \r
        age: \r
        allow: \r
        authorization: \r
        cache-control: \r
        content-disposition: \r
        content-encoding: \r
        content-language: \r
        content-length: \r
        content-location: \r
        content-range: \r
        content-type: \r
        cookie: \r
        date: \r
        etag: \r
        expect: \r
        expires: \r
        from: \r
        host: \r
        if-match: \r
        if-modified-since: \r
        if-none-match: \r
        if-range: \r
        if-unmodified-since: \r
        last-modified: \r
        link: \r
        location: \r
        max-forwards: \r
        proxy-authenticate: \r
        proxy-authorization: \r
        range: \r
        referer: \r
        refresh: \r
        retry-after: \r
        server: \r
        set-cookie: \r
        strict-transport-security: \r
        transfer-encoding: \r
        user-agent: \r
        vary: \r
        via: \r
        www-authenticate: \r
        connection: \r
        keep-alive: \r
        proxy-connection: \r
        upgrade: \r
        te: \r
        :protocol: \r
        sec-websocket-key: \r
        sec-websocket-accept: \r

        """
}
