// Vectors: messages written out octet by octet from the RFC formats, for every suite here. They are
// independent of the encoder: a mistake made in both directions would show against them.

import DNSWire
import Testing

/// A message and what it is, named in test output.
struct Vector: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]
    var testDescription: String { name }
}

/// A length-prefixed label.
func label(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }

/// An uncompressed name of these labels.
func wire(_ labels: String...) -> [UInt8] { labels.flatMap(label) + [0] }

/// A header (RFC 1035, section 4.1.1): id 0x1234, the flags word, and the four counts.
func header(_ flags: UInt16, _ qd: UInt8, _ an: UInt8, _ ns: UInt8, _ ar: UInt8) -> [UInt8] {
    [0x12, 0x34, UInt8(flags >> 8), UInt8(flags & 255), 0, qd, 0, an, 0, ns, 0, ar]
}

/// A record (section 4.1.3): owner, type, class IN, TTL of 5 s, length and data.
func record(_ owner: [UInt8], _ type: UInt8, _ data: [UInt8], ttl: [UInt8] = [0, 0, 0, 5])
    -> [UInt8]
{
    owner + [0, type, 0, 1] + ttl + [UInt8(data.count >> 8), UInt8(data.count & 255)] + data
}

/// `web.service.consul. SRV IN`, at offset 12: `service` is at 16, `consul` at 24.
let srvQuestion = wire("web", "service", "consul") + [0, 33, 0, 1]

/// An OPT record: root, type 41, payload size 1232, no code bits, version 0, DO, a cookie option.
let opt: [UInt8] = [
    0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8,
]

let vectors: [Vector] = [
    Vector(name: "query", bytes: header(0x0100, 1, 0, 0, 0) + srvQuestion),
    Vector(name: "query with EDNS", bytes: header(0x0100, 1, 0, 0, 1) + srvQuestion + opt),
    // What Consul says: SRV with a target as hex address, A and TXT beside it, nothing compressed.
    Vector(
        name: "Consul SRV answer",
        bytes: header(0x8580, 1, 1, 0, 2) + srvQuestion
            + record(
                wire("web", "service", "consul"), 33,
                [0, 1, 0, 10, 0x1f, 0x90] + wire("7f000001", "addr", "dc1", "consul"),
                ttl: [0, 0, 0, 0])
            + record(wire("7f000001", "addr", "dc1", "consul"), 1, [127, 0, 0, 1])
            + record(
                wire("7f000001", "addr", "dc1", "consul"), 16,
                label("rack=a")
                    + label("x=1"))),
    // BIND's way: the owner is a pointer to the question; here the SRV target has one as well.
    Vector(
        name: "compressed SRV answer",
        bytes: header(0x8580, 1, 1, 0, 1) + srvQuestion
            + record([0xc0, 12], 33, [0, 1, 0, 10, 0x1f, 0x90] + label("a") + [0xc0, 24])
            + record(label("a") + [0xc0, 24], 28, Array(repeating: 0, count: 15) + [1])),
    // RFC 2308: NXDOMAIN with the zone's SOA in the authority section.
    Vector(
        name: "NXDOMAIN with SOA",
        bytes: header(0x8583, 1, 0, 1, 0) + srvQuestion
            + record(
                [0xc0, 24], 6,
                label("ns") + [0xc0, 24] + label("hostmaster") + [0xc0, 24]
                    + [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 2])),
    // An alias, its address, NS and PTR, and a signature (RRSIG, 46), which is kept as bytes.
    Vector(
        name: "CNAME chain with RRSIG",
        bytes: header(0x8180, 1, 3, 1, 1) + srvQuestion
            + record([0xc0, 12], 5, label("b") + [0xc0, 24])
            + record(label("b") + [0xc0, 24], 1, [192, 0, 2, 1])
            + record([0xc0, 12], 46, [0, 33, 8, 3, 0xde, 0xad])
            + record([0xc0, 24], 2, label("ns") + [0xc0, 24])
            + record([0xc0, 24], 12, [0xc0, 12])),
    Vector(
        name: "extended code BADVERS",
        bytes: header(0x8000, 0, 0, 0, 1) + [0, 0, 41, 2, 0, 1, 0, 0, 0, 0, 0]),
]

/// The vector of that name.
func vector(_ name: String) -> [UInt8] { vectors.first { $0.name == name }?.bytes ?? [] }
