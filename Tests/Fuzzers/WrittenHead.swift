// A head that Fairlead has written, read by other code than its own parser: what the next hop gets
// to see, which may be as lax as it likes.

/// A head as lines that end in CR LF, the last of them empty.
struct WrittenHead {
    /// The request line or status line.
    private(set) var first: [UInt8] = []
    /// Names in lower case, values with their blanks.
    private(set) var fields: [(name: String, value: String)] = []

    /// Traps on a byte that another reader could take for the end of a line, or of the head.
    init(_ bytes: [UInt8]) {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == 0x0D {
                require(index + 1 < bytes.count && bytes[index + 1] == 0x0A, "bare CR")
                lines.append(bytes[start..<index])
                start = index + 2
            } else if byte == 0x0A {
                require(index > 0 && bytes[index - 1] == 0x0D, "bare LF")
            } else {
                require(byte >= 0x20 && byte != 0x7F || byte == 0x09, "control character \(byte)")
            }
        }
        require(start == bytes.count, "bytes after the last line")
        require(lines.last?.isEmpty == true, "no empty line at the end")
        require(!lines.dropLast().contains { $0.isEmpty }, "an empty line within the head")
        first = Array(lines[0])
        fields = lines.dropFirst().dropLast().map { line in
            guard let colon = line.firstIndex(of: 0x3A), colon > line.startIndex else {
                fatalError("a line without a name")
            }
            require(line[..<colon].allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a blank in a name")
            return (
                String(decoding: line[..<colon], as: UTF8.self).lowercased(),
                String(decoding: line[(colon + 1)...], as: UTF8.self)
            )
        }
    }

    /// How many fields have one of these names.
    func count(_ names: String...) -> Int { fields.count { names.contains($0.name) } }

    /// Traps unless there is one framing at most.
    func requireOneFraming() {
        require(count("content-length", "transfer-encoding") <= 1, "two framings: \(fields)")
        for field in fields {
            if field.name == "content-length" {
                require(
                    field.value.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) },
                    "Content-Length:\(field.value)")
            } else if field.name == "transfer-encoding" {
                require(field.value == " chunked", "Transfer-Encoding:\(field.value)")
            }
        }
    }
}
