// Goal: every header that the protocol allows is read as it was meant, every other one refused, as
// soon as it shows; what is written is read again as the same.
// Method: vectors of proxy-protocol.txt against values, each cut at every point, and a malformed
// twin per rule; all input lies flush against an unmapped page.

import Endpoints
import ProxyProtocol
import TestSupport
import Testing

private func read(_ bytes: [UInt8]) -> ProxyHeaderReading {
    let buffer = GuardedBuffer(capacity: max(bytes.count, 1))
    return buffer.withBytes(bytes) { ProxyHeader.read($0) }
}

private func read(_ text: String) -> ProxyHeaderReading { read(Array(text.utf8)) }

private let signature: [UInt8] = [
    0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
]

/// A header of version 2 whose length is that of `block`.
private func binary(_ command: UInt8, _ family: UInt8, _ block: [UInt8] = []) -> [UInt8] {
    signature + [command, family, UInt8(block.count >> 8), UInt8(block.count & 0xFF)] + block
}

private func vector(_ type: UInt8, _ value: [UInt8]) -> [UInt8] {
    [type, UInt8(value.count >> 8), UInt8(value.count & 0xFF)] + value
}

/// 192.0.2.1:40000 to 192.0.2.2:443.
private let ipv4Block: [UInt8] = [192, 0, 2, 1, 192, 0, 2, 2, 0x9C, 0x40, 0x01, 0xBB]
private let ipv4Ends = ends("192.0.2.1:40000", "192.0.2.2:443")

private func ends(_ source: String, _ destination: String) -> ProxyHeader.Ends? {
    guard let source = Endpoint(source), let destination = Endpoint(destination) else { return nil }
    return ProxyHeader.Ends(source: source, destination: destination)
}

@Suite struct ProxyHeaderTests {
    static let lines: [(String, ProxyHeader.Ends?)] = [
        ("PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\n", ipv4Ends),
        (
            "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
            ends("255.255.255.255:65535", "255.255.255.255:65535")
        ),
        ("PROXY TCP4 0.0.0.0 1.2.3.4 0 0\r\n", ends("0.0.0.0:0", "1.2.3.4:0")),
        ("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", ends("[2001:db8::1]:1", "[::1]:2")),
        ("PROXY TCP6 2001:DB8::A ::1 1 2\r\n", ends("[2001:db8::a]:1", "[::1]:2")),
        ("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c000:202 40000 443\r\n", ipv4Ends),
        (
            "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                + "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            ends(
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")
        ),
        ("PROXY UNKNOWN\r\n", nil),
        ("PROXY UNKNOWN any thing  at\tall 7\r\n", nil),
        // The longest line that there is.
        (
            "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                + "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", nil
        ),
    ]

    @Test("a line of version 1 is read to its CRLF", arguments: lines)
    func line(_ text: String, _ ends: ProxyHeader.Ends?) {
        let expected = ProxyHeaderReading.header(ProxyHeader(ends), length: text.utf8.count)
        #expect(read(text) == expected)
        #expect(read(text + "GET / HTTP/1.1\r\n") == expected)
    }

    static let badLines: [(String, ProxyHeaderError)] = [
        ("GET / HTTP/1.1\r\n", .missing),
        ("\u{16}\u{3}\u{1}", .missing),
        ("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", .missing),
        ("PROXY\tTCP4 192.0.2.1 192.0.2.2 1 2\r\n", .missing),
        ("PROXYTCP4", .missing),
        (" PROXY TCP4", .missing),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", .lineEnd),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r", .lineEnd),
        ("PROXY UNKNOWN \n \r\n", .lineEnd),
        ("PROXY UNKNOWN \r \r\n", .lineEnd),
        ("PROXY UNKNOWN " + String(repeating: "x", count: 92) + "\r\n", .lineEnd),
        ("PROXY " + String(repeating: " ", count: 101), .lineEnd),
        ("PROXY \r\n", .proto),
        ("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", .proto),
        ("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", .proto),
        ("PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", .proto),
        ("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", .proto),
        ("PROXY UNKNOWNS\r\n", .proto),
        ("PROXY TCP4\r\n", .fields),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", .fields),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", .fields),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", .fields),
        ("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", .fields),
        ("PROXY TCP4 ::1 ::1 1 2\r\n", .address),
        ("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", .address),
        ("PROXY TCP6 ::1 192.0.2.2 1 2\r\n", .address),
        ("PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n", .address),
        ("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", .address),
        ("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", .address),
        ("PROXY TCP4 0x7f.0.0.1 192.0.2.2 1 2\r\n", .address),
        ("PROXY TCP4 192.0.2.1.1 192.0.2.2 1 2\r\n", .address),
        ("PROXY TCP4 localhost 192.0.2.2 1 2\r\n", .address),
        ("PROXY TCP4 192.0.2.1\u{0} 192.0.2.2 1 2\r\n", .address),
        ("PROXY TCP6 fe80::1%lo ::1 1 2\r\n", .address),
        ("PROXY TCP6 [::1] ::1 1 2\r\n", .address),
        ("PROXY TCP6 1::2::3 ::1 1 2\r\n", .address),
        ("PROXY TCP6 12345::1 ::1 1 2\r\n", .address),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", .port),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", .port),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 00 2\r\n", .port),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", .port),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", .port),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 0x1 2\r\n", .port),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 http\r\n", .port),
    ]

    @Test("anything but a line of version 1 is refused", arguments: badLines)
    func badLine(_ text: String, _ error: ProxyHeaderError) {
        // A CR may still be followed by LF: that it is not shows with the next byte.
        let text = text.hasSuffix("\r") ? text + "x" : text
        #expect(read(text) == .bad(error))
    }

    static let headers: [([UInt8], ProxyHeader)] = [
        (binary(0x21, 0x11, ipv4Block), ProxyHeader(ipv4Ends)),
        (
            binary(
                0x21, 0x21,
                [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [1]
                    + Array(repeating: 0, count: 15) + [1] + [0, 1, 0, 2]),
            ProxyHeader(ends("[2001:db8::1]:1", "[::1]:2"))
        ),
        (binary(0x20, 0x00), ProxyHeader(nil)),
        // The block of LOCAL is passed over, whatever is in it.
        (binary(0x20, 0x11, ipv4Block), ProxyHeader(nil)),
        (binary(0x20, 0xFF, [2, 0xFF]), ProxyHeader(nil)),
        (binary(0x21, 0x00), ProxyHeader(nil)),
        (binary(0x21, 0x00, [1, 2, 3]), ProxyHeader(nil)),
        (binary(0x21, 0x10, ipv4Block), ProxyHeader(nil)),
        (binary(0x21, 0x01, ipv4Block), ProxyHeader(nil)),
        // A datagram's ends, and those of a Unix-domain socket, can't be a TCP client's.
        (binary(0x21, 0x12, ipv4Block), ProxyHeader(nil)),
        (binary(0x21, 0x31, Array(repeating: 0x41, count: 216)), ProxyHeader(nil)),
        (binary(0x21, 0x32, Array(repeating: 0x41, count: 216)), ProxyHeader(nil)),
        (
            binary(
                0x21, 0x11,
                ipv4Block + vector(1, Array("h2".utf8)) + vector(2, Array("a.example".utf8))
                    + vector(4, []) + vector(5, [0, 0xFF]) + vector(0x20, [1, 0, 0, 0, 0])
                    + vector(0xE0, [7])),
            {
                var header = ProxyHeader(ipv4Ends)
                header.application = Array("h2".utf8)
                header.authority = Array("a.example".utf8)
                header.uniqueID = [0, 0xFF]
                // Without a certificate none is verified, whatever is said.
                header.tls = ProxiedTLS()
                return header
            }()
        ),
        (
            binary(
                0x21, 0x11,
                ipv4Block
                    + vector(
                        0x20,
                        [5, 0, 0, 0, 0] + vector(0x21, Array("TLSv1.3".utf8))
                            + vector(0x22, Array("ann".utf8)) + vector(0x23, Array("AES".utf8))
                            + vector(0x24, Array("SHA256".utf8)) + vector(0x25, []))),
            {
                var tls = ProxiedTLS()
                tls.hasCertificate = true
                tls.isVerified = true
                tls.version = Array("TLSv1.3".utf8)
                tls.commonName = Array("ann".utf8)
                tls.cipher = Array("AES".utf8)
                var header = ProxyHeader(ipv4Ends)
                header.tls = tls
                return header
            }()
        ),
        // A certificate that does not verify, and texts that are empty or too long.
        (
            binary(
                0x21, 0x11,
                ipv4Block
                    + vector(
                        0x20,
                        [3, 0, 0, 1, 0] + vector(0x21, [])
                            + vector(0x22, Array(repeating: 0x61, count: 256)))),
            {
                var tls = ProxiedTLS()
                tls.showedCertificate = true
                var header = ProxyHeader(ipv4Ends)
                header.tls = tls
                return header
            }()
        ),
        // A client that speaks no TLS.
        (binary(0x21, 0x11, ipv4Block + vector(0x20, [0, 0, 0, 0, 1])), ProxyHeader(ipv4Ends)),
        (binary(0x21, 0x11, ipv4Block + vector(2, []) + vector(5, [])), ProxyHeader(ipv4Ends)),
        // The checksum by another program.
        (
            binary(0x21, 0x11, ipv4Block + vector(3, checksum)), ProxyHeader(ipv4Ends)
        ),
        (
            binary(0x21, 0x11, ipv4Block + vector(4, Array(repeating: 0, count: 4065))),
            ProxyHeader(ipv4Ends)
        ),
    ]
    static let checksum: [UInt8] = [0xBB, 0x04, 0x84, 0x1F]

    @Test("a header of version 2 is read to its length", arguments: headers)
    func header(_ bytes: [UInt8], _ header: ProxyHeader) {
        #expect(read(bytes) == .header(header, length: bytes.count))
        #expect(read(bytes + [0x16, 3]) == .header(header, length: bytes.count))
    }

    static let badHeaders: [([UInt8], ProxyHeaderError)] = [
        (Array(signature.dropLast()) + [0], .missing),
        (binary(0x11, 0x11, ipv4Block), .version),
        (binary(0x31, 0x11, ipv4Block), .version),
        (binary(0x22, 0x11, ipv4Block), .command),
        (binary(0x2F, 0x11, ipv4Block), .command),
        (binary(0x21, 0x41, ipv4Block), .family),
        (binary(0x21, 0x13, ipv4Block), .family),
        (binary(0x21, 0x11, Array(ipv4Block.dropLast())), .addressLength),
        (binary(0x21, 0x11), .addressLength),
        (binary(0x21, 0x12, Array(ipv4Block.dropLast())), .addressLength),
        (binary(0x21, 0x21, Array(repeating: 0, count: 35)), .addressLength),
        (binary(0x21, 0x31, Array(repeating: 0, count: 215)), .addressLength),
        (binary(0x21, 0x11, Array(repeating: 0, count: 4081)), .tooLong),
        (binary(0x20, 0x00, Array(repeating: 0, count: 65_535)), .tooLong),
        (binary(0x21, 0x11, ipv4Block + [4]), .vectorLength),
        (binary(0x21, 0x11, ipv4Block + [4, 0]), .vectorLength),
        (binary(0x21, 0x11, ipv4Block + [4, 0, 1]), .vectorLength),
        (binary(0x21, 0x11, ipv4Block + [4, 0xFF, 0xFF, 0]), .vectorLength),
        (
            binary(0x21, 0x11, ipv4Block + vector(2, Array(repeating: 0x61, count: 256))),
            .vectorValue
        ),
        (
            binary(0x21, 0x11, ipv4Block + vector(5, Array(repeating: 0x61, count: 129))),
            .vectorValue
        ),
        (binary(0x21, 0x11, ipv4Block + vector(3, [0, 0, 0])), .vectorValue),
        (
            binary(0x21, 0x11, ipv4Block + vector(1, Array(repeating: 0x61, count: 256))),
            .vectorValue
        ),
        (binary(0x21, 0x11, ipv4Block + vector(0x20, [1, 0, 0, 0])), .vectorValue),
        (
            binary(0x21, 0x11, ipv4Block + vector(0x20, [1, 0, 0, 0, 0, 0x21, 0])),
            .vectorLength
        ),
        (
            binary(0x21, 0x11, ipv4Block + vector(0x20, [1, 0, 0, 0, 0, 0x7F, 0, 1])),
            .vectorLength
        ),
        (
            binary(
                0x21, 0x11,
                ipv4Block
                    + vector(0x20, [1, 0, 0, 0, 0] + vector(0x22, [65]) + vector(0x22, [66]))),
            .repeatedVector
        ),
        (
            binary(
                0x21, 0x11,
                ipv4Block + vector(0x20, [1, 0, 0, 0, 0]) + vector(0x20, [1, 0, 0, 0, 0])),
            .repeatedVector
        ),
        (binary(0x21, 0x11, ipv4Block + vector(3, [0, 0, 0, 0])), .checksum),
        (binary(0x21, 0x11, ipv4Block + vector(2, [65]) + vector(2, [66])), .repeatedVector),
        (binary(0x21, 0x11, ipv4Block + vector(5, [65]) + vector(5, [65])), .repeatedVector),
    ]

    @Test("anything but a header of version 2 is refused", arguments: badHeaders)
    func badHeader(_ bytes: [UInt8], _ error: ProxyHeaderError) {
        #expect(read(bytes) == .bad(error))
    }

    @Test("each kind of error has a header that shows it, and a sentence of its own")
    func errors() {
        let shown = Set((Self.badLines.map(\.1) + Self.badHeaders.map(\.1)).map(\.sentence))
        #expect(shown == Set(ProxyHeaderError.allCases.map(\.sentence)))
        #expect(shown.count == ProxyHeaderError.allCases.count)
    }

    @Test("a header that is cut anywhere is waited for, and none is refused before it is wrong")
    func cuts() {
        let whole = Self.lines.map { Array($0.0.utf8) } + Self.headers.map(\.0)
        for bytes in whole {
            for end in 0..<bytes.count {
                #expect(read(Array(bytes[..<end])) == .needMore, "\(bytes) to \(end)")
            }
        }
        // What was refused in a part is refused in the whole.
        let bad = Self.badLines.map { Array($0.0.utf8) } + Self.badHeaders.map(\.0)
        for bytes in bad {
            var wasRefused = false
            for end in 0...bytes.count {
                let reading = read(Array(bytes[..<end]))
                if case .bad = reading { wasRefused = true } else { #expect(!wasRefused) }
                if case .header = reading { Issue.record("a header in \(bytes) to \(end)") }
            }
        }
    }

    @Test("what can't become a header is not waited for")
    func early() {
        #expect(read("G") == .bad(.missing))
        #expect(read("PROXY UNKNOWN\n") == .bad(.lineEnd))
        #expect(read(signature + [0x11]) == .bad(.version))
        #expect(read(signature + [0x22]) == .bad(.command))
        #expect(read(signature + [0x21, 0x41]) == .bad(.family))
        #expect(read(signature + [0x21, 0x11, 0xFF, 0xFF]) == .bad(.tooLong))
    }

    @Test("what may begin with a header is told from what can't")
    func beginnings() {
        func mayBegin(_ text: String) -> Bool {
            GuardedBuffer(capacity: 64).withBytes(Array(text.utf8)) {
                ProxyHeader.mayBegin(with: $0)
            }
        }
        #expect(mayBegin(""))
        #expect(mayBegin("P"))
        #expect(mayBegin("PROXY x"))
        #expect(mayBegin("\r\n\r\n\u{0}\r\nQUIT\n!"))
        #expect(!mayBegin("PROPFIND / HTTP/1.1"))
        #expect(!mayBegin("\r\n\r\nG"))
    }

    static let written: [ProxyHeader.Ends?] = [
        nil, ipv4Ends, ends("[2001:db8::1]:1", "[::1]:2"), ends("192.0.2.1:1", "[2001:db8::2]:2"),
        ends("[2001:db8::2]:2", "192.0.2.1:1"), ends("0.0.0.0:0", "255.255.255.255:65535"),
    ]

    @Test("what is written is read as the same", arguments: written)
    func roundTrip(_ ends: ProxyHeader.Ends?) {
        var header = ProxyHeader(ends)
        let line = header.bytes(.v1)
        #expect(read(line) == .header(header, length: line.count))
        if ends != nil {
            header.authority = Array(repeating: 0x61, count: 255)
            header.uniqueID = Array(repeating: 0xFF, count: 128)
        }
        let bytes = header.bytes(.v2)
        #expect(read(bytes) == .header(header, length: bytes.count))
        // So that it fits into the smallest segment that there is.
        #expect(bytes.count <= 536)
        guard ends != nil else { return }
        var tls = ProxiedTLS()
        for flags in 0..<8 {
            tls.hasCertificate = flags & 1 != 0
            tls.showedCertificate = flags & 2 != 0
            tls.isVerified = flags & 4 != 0 && flags & 3 != 0
            tls.version = flags & 1 != 0 ? Array("TLSv1.2".utf8) : nil
            tls.cipher = flags & 2 != 0 ? Array(repeating: 0x62, count: 255) : nil
            tls.commonName = flags & 4 != 0 ? Array(repeating: 0xC3, count: 255) : nil
            header.tls = tls
            header.application = Array(repeating: 0x63, count: flags == 0 ? 255 : 8)
            let bytes = header.bytes(.v2)
            #expect(read(bytes) == .header(header, length: bytes.count))
        }
    }

    @Test("each version is written as the protocol has it")
    func writing() {
        #expect(ProxyHeader(nil).bytes(.v1) == Array("PROXY UNKNOWN\r\n".utf8))
        #expect(ProxyHeader(nil).bytes(.v2) == binary(0x20, 0))
        #expect(ProxyHeader(ipv4Ends).bytes(.v2) == binary(0x21, 0x11, ipv4Block))
        var header = ProxyHeader(ipv4Ends)
        header.application = Array("h2".utf8)
        header.tls = ProxiedTLS()
        // Without a certificate there is none that was verified.
        let vectors: [UInt8] = [1, 0, 2, 0x68, 0x32, 0x20, 0, 5, 1, 0, 0, 0, 1]
        #expect(header.bytes(.v2) == binary(0x21, 0x11, ipv4Block + vectors))
        #expect(
            ProxyHeader(ends("192.0.2.1:1", "[2001:db8::2]:2")).bytes(.v1)
                == Array("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n".utf8))
    }
}
