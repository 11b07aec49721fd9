// ProxyHeader: what a proxy says of the connection that it passes on, before the first byte of that
// (the PROXY protocol of HAProxy, versions 1 and 2: proxy-protocol.txt, 2020/03/05).

package import Endpoints

/// What a PROXY header says. Value type, any thread.
package struct ProxyHeader: Equatable, Sendable {
    /// The form of a header. The raw value is the word that operators write.
    package enum Version: String, CaseIterable, Sendable {
        /// A line of text (section 2.1).
        case v1
        /// Binary, with room for more than addresses (section 2.2).
        case v2
    }

    /// The two ends of a connection over TCP.
    package struct Ends: Equatable, Sendable {
        /// The client's.
        package var source: Endpoint
        /// What the client has connected to.
        package var destination: Endpoint

        /// A connection from `source` to `destination`.
        package init(source: Endpoint, destination: Endpoint) {
            self.source = source
            self.destination = destination
        }
    }

    /// The ends of the client's connection; nil where the header names none that are TCP's: those
    /// of the connection that carries the header hold then. That is so for a connection of the
    /// proxy's own, such as a check (`LOCAL`), and for `UNKNOWN`, UDP and Unix-domain sockets.
    package var ends: Ends?
    /// The host name that the client has asked for, of a TLS client its SNI; 1 to 255 bytes, in
    /// UTF-8 if the proxy keeps to the rules. Nil when nothing is said. Version 2 only.
    package var authority: [UInt8]?
    /// What the proxy calls the connection, 1 to 128 bytes of any value; nil when nothing is said.
    /// Version 2 only.
    package var uniqueID: [UInt8]?
    /// The protocol that client and proxy agreed on (ALPN, RFC 7301), 1 to 255 bytes: `http/1.1`;
    /// nil when nothing is said. Version 2 only.
    package var application: [UInt8]?
    /// What is said of the client's TLS; nil where it speaks none, or nothing is said. Version 2
    /// only.
    package var tls: ProxiedTLS?

    /// A header with these ends, and nothing else; nil for a connection of the proxy's own.
    package init(_ ends: Ends?) {
        self.ends = ends
    }

    /// The longest authority, in bytes: that of a DNS name.
    package static let authorityBytesMax = 255
    /// The longest unique id, in bytes (section 2.2.5).
    package static let uniqueIDBytesMax = 128
    /// The longest name of a protocol, in bytes (RFC 7301, section 3.1).
    package static let applicationBytesMax = 255
    /// The longest line of version 1, its CRLF included (section 2.1).
    package static let lineBytesMax = 107
    /// The longest header of version 2 that is read. The protocol allows 65,551 bytes, and means
    /// its headers to fit into 536; those with a certificate's names in them are longer.
    package static let bytesMax = 4096

    /// What a header of version 2 begins with. No protocol in use takes it for its own.
    static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]
    /// What a line of version 1 begins with.
    static let linePrefix = Array("PROXY ".utf8)

    /// The types of the vectors that are read or written (section 2.2).
    enum VectorType {
        static let application: UInt8 = 0x01
        static let authority: UInt8 = 0x02
        static let checksum: UInt8 = 0x03
        static let uniqueID: UInt8 = 0x05
        static let tls: UInt8 = 0x20
    }
}

/// Why bytes are no PROXY header. Value type, any thread.
package enum ProxyHeaderError: Error, Equatable, Sendable, CaseIterable {
    /// The bytes begin with neither `PROXY ` nor the signature of version 2.
    case missing
    /// A line of version 1 has no CRLF within its limit, or a CR or LF by itself.
    case lineEnd
    /// The protocol of version 1 is not TCP4, TCP6 or UNKNOWN.
    case proto
    /// A line of version 1 has not six fields with one space between each.
    case fields
    /// An address of version 1 is none, or of the other family.
    case address
    /// A port of version 1 is none.
    case port
    /// The version is not 2.
    case version
    /// The command is neither LOCAL nor PROXY.
    case command
    /// Address family or transport are none of the protocol's.
    case family
    /// There is no room for two addresses of the family.
    case addressLength
    /// The header is longer than is read.
    case tooLong
    /// A vector ends behind the header.
    case vectorLength
    /// A vector has a length that its type does not allow.
    case vectorValue
    /// A vector that is read comes twice.
    case repeatedVector
    /// The checksum is another one.
    case checksum

    /// What was found and what was expected.
    package var sentence: String {
        switch self {
        case .missing: "neither \"PROXY \" nor the signature of version 2"
        case .lineEnd:
            "a line of version 1 without a CRLF in its first \(ProxyHeader.lineBytesMax) bytes"
        case .proto: "a protocol other than TCP4, TCP6 and UNKNOWN"
        case .fields:
            "a line that is not protocol, two addresses and two ports, with one space between"
        case .address: "an address that is none of its family"
        case .port: "a port that is not 0 to 65535"
        case .version: "a version other than 2"
        case .command: "a command other than LOCAL and PROXY"
        case .family: "an address family or transport that there is not"
        case .addressLength: "a header that has no room for its addresses"
        case .tooLong: "a header of more than \(ProxyHeader.bytesMax) bytes"
        case .vectorLength: "a vector that is longer than the header"
        case .vectorValue: "a vector of a length that its type does not allow"
        case .repeatedVector: "a vector that comes twice"
        case .checksum: "a checksum that is not the header's"
        }
    }
}
