// ClientHello: the first message of a TLS client, as far as a proxy needs it that passes the
// connection on without taking part in it: which name the client asks for, and which protocols it
// offers to speak (RFC 8446, section 4.1.2; RFC 6066, section 3; RFC 7301).

/// What a client says of the server that it wants. Value type, any thread.
package struct ClientHello: Equatable, Sendable {
    /// The name of the server in small letters, 1 to 253 bytes of letters, digits, `-`, `_` and
    /// dots, without one at the end; nil when the client names none. With Encrypted Client Hello it
    /// is the outer name, that of the operator who can read the inner one.
    package var serverName: [UInt8]?
    /// The protocols that the client offers (ALPN), those it prefers first, each 1 to 255 bytes;
    /// empty when it does not say.
    package var protocols: [[UInt8]] = []

    /// The hello of a client that says nothing.
    package init() {}

    /// The longest message that is read, without its headers. Those of browsers have 0.5 to 2 KiB,
    /// the larger ones with a post-quantum key share.
    package static let bytesMax = 16_384
    /// The most bytes that a hello takes on the wire, with the headers of its records: they could
    /// be of one byte each, but no client cuts so small.
    package static let wireBytesMax = bytesMax + 4 + 5 * recordsMax
    /// The most records that a hello may come in.
    static let recordsMax = 64
    /// The most protocols that are kept.
    static let protocolsMax = 32
}

/// Why bytes are no ClientHello. Value type, any thread.
package enum ClientHelloError: Error, Equatable, Sendable, CaseIterable {
    /// The first byte is not that of a handshake record.
    case notTLS
    /// A record's version is none of TLS, or it is empty or longer than one may be.
    case record
    /// A record of another kind came before the message's end.
    case recordType
    /// The message is another one.
    case messageType
    /// The message, or the number of its records, is larger than is read.
    case tooLong
    /// The message's version is older than TLS 1.0.
    case version
    /// A length within the message does not fit into what it is a part of.
    case length
    /// An extension comes twice.
    case repeatedExtension
    /// The server's name is no host name.
    case serverName
    /// The list of protocols is malformed.
    case protocols

    /// What was found.
    package var sentence: String {
        switch self {
        case .notTLS: "a first byte that is not that of a TLS handshake"
        case .record: "a TLS record of a version or length that there is not"
        case .recordType: "another TLS record within the ClientHello"
        case .messageType: "a TLS handshake message other than a ClientHello"
        case .tooLong:
            "a ClientHello of more than \(ClientHello.bytesMax) bytes or "
                + "\(ClientHello.recordsMax) records"
        case .version: "a ClientHello of a version before TLS 1.0"
        case .length: "a ClientHello with a length that does not fit"
        case .repeatedExtension: "a ClientHello with an extension that comes twice"
        case .serverName: "a server name (SNI) that is no host name"
        case .protocols: "a list of protocols (ALPN) that is malformed"
        }
    }
}
