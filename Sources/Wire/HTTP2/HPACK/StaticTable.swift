// The static table of HPACK (RFC 7541 appendix A), and behind it the other names that a translator of
// heads acts upon. A field is decoded as a line of HTTP/1.1, `name: value` CR LF, so the table has
// lines too: one copy of a whole line is all that the most common fields cost.
//
// This file reads the bytes of a literal, and tables that are made once, through pointers.

/// A line of the table.
@safe struct StaticLine {
    /// The first byte of the name, in memory that lives as long as the program. ": " stands behind
    /// the name, CR LF behind the value.
    fileprivate let start: UnsafePointer<UInt8>
    /// Bytes of the name.
    let nameCount: UInt8
    /// Bytes of the value.
    let valueCount: UInt8
    /// What the name means: its lowest index.
    let name: HeaderName

    /// Whether the name is `other`, which has as many bytes, letter case aside.
    fileprivate func isNamed(_ other: Span<UInt8>) -> Bool {
        for index in other.indices {
            // `other` has as many bytes as the name.
            if unsafe other[index] | 0x20 != start[index] { return false }
        }
        return true
    }
}

extension HeadBytes {
    /// Appends the whole line, or its name with ": " alone.
    @inline(__always)
    mutating func append(_ line: StaticLine, whole: Bool) {
        let count = Int(line.nameCount) &+ 2 &+ (whole ? Int(line.valueCount) &+ 2 : 0)
        // The line has so many bytes, as `StaticTable` has measured it.
        unsafe append(line.start, count: count)
    }
}

/// Finds lines by index and by name. Any thread.
enum StaticTable {
    /// The lines of RFC 7541 have the indices from 1 to this.
    static let count = 61

    /// The line at `index`, which is 1 to `count`.
    @inline(__always)
    static func line(_ index: Int) -> StaticLine {
        precondition((1...count).contains(index), "no such line")
        // The table has more lines than these.
        return unsafe lines[index]
    }

    /// The first line whose name this is, in any letter case; those behind the table of RFC 7541
    /// are looked at as well. nil if there is none.
    /// - Precondition: `name` is not empty.
    @inline(__always)
    static func line(named name: Span<UInt8>) -> StaticLine? {
        let slot = slot(name.count, name[0], name[name.count / 2], name[name.count &- 1])
        // There are 256 slots, and what stands in them is an index of a line; 0 is that of none.
        let line = unsafe lines[Int(slots[slot])]
        return Int(line.nameCount) == name.count && line.isNamed(name) ? line : nil
    }

    /// Where a name is in `slots`: with these factors no two share one.
    @inline(__always)
    private static func slot(
        _ count: Int, _ first: UInt8, _ middle: UInt8, _ last: UInt8
    ) -> Int {
        let sum = count &* 4 &+ Int(first | 0x20) &* 14 &+ Int(last | 0x20) &* 23
        return (sum &+ Int(middle | 0x20)) & 0xFF
    }

    /// By index; the one at 0 has an empty name. Never freed.
    nonisolated(unsafe) private static let lines: UnsafePointer<StaticLine> = {
        var all: [StaticLine] = unsafe [
            StaticLine(start: text.utf8Start, nameCount: 0, valueCount: 0, name: .other)
        ]
        // A static string's bytes live as long as the program.
        let bytes = unsafe UnsafeBufferPointer(
            start: text.utf8Start, count: text.utf8CodeUnitCount)
        var start = 0
        while start < bytes.count {
            // Behind the first byte, which is a colon for pseudo-header fields.
            var colon = start + 1
            while unsafe bytes[colon] != 0x3A { colon += 1 }
            var end = colon + 2
            while unsafe bytes[end] != 0x0D { end += 1 }
            let name = unsafe UnsafeBufferPointer(rebasing: bytes[start..<colon])
            // Of several of one name, which stand together, the first is meant.
            let last = all[all.count - 1]
            let isSame = unsafe Int(last.nameCount) == name.count && last.isNamed(name.span)
            unsafe all.append(
                StaticLine(
                    start: text.utf8Start + start, nameCount: UInt8(name.count),
                    valueCount: UInt8(end - colon - 2),
                    name: isSame ? last.name : HeaderName(rawValue: UInt8(all.count))))
            start = end + 2
        }
        let table = UnsafeMutablePointer<StaticLine>.allocate(capacity: all.count)
        for (index, line) in all.enumerated() {
            unsafe (table + index).initialize(to: line)
        }
        return unsafe UnsafePointer(table)
    }()

    /// The index of the first line of the name at a slot; 0 for none. Never freed.
    nonisolated(unsafe) private static let slots: UnsafePointer<UInt8> = {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        unsafe table.initialize(repeating: 0, count: 256)
        for index in 1...Int(HeaderName.last.rawValue) {
            let line = unsafe lines[index]
            let name = unsafe UnsafeBufferPointer(start: line.start, count: Int(line.nameCount))
            let slot = unsafe slot(name.count, name[0], name[name.count / 2], name[name.count - 1])
            let isFree = unsafe table[slot] == 0 || table[slot] == line.name.rawValue
            precondition(isFree, "two names share a slot: other factors are needed")
            unsafe table[slot] = line.name.rawValue
        }
        return unsafe UnsafePointer(table)
    }()

    /// Each line ends in CR LF.
    private static let text: StaticString = """
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
