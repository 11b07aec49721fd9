// What becomes of a header block, and every reason why a message of HTTP/2 is malformed. One case
// per rule, so that a log line, a test and a counter can name it.

package import HTTP1

/// What reading a header block came to. The table of the decoder is right after all but `broken`
/// and `excessive`, which end the connection.
package enum HeadTextOutcome: Equatable, Sendable {
    /// The text is there.
    case complete
    /// The message is malformed (RFC 9113 section 8.1.1): its stream is reset with PROTOCOL_ERROR.
    case malformed(HeadFault)
    /// The message is sane and refused all the same: a request is answered with the error's status,
    /// a response is one that the client can't get.
    case refused(HeadError)
    /// The connection is closed with COMPRESSION_ERROR.
    case broken(HPACKError)
    /// More fields than any honest peer sends: the connection is closed with ENHANCE_YOUR_CALM.
    case excessive
}

/// Why a message of HTTP/2 is malformed.
package enum HeadFault: UInt8, Equatable, Sendable, CaseIterable {
    // Fields, RFC 9113 sections 8.2.1 and 8.2.2.
    case invalidFieldName
    case invalidFieldValue
    case connectionField
    case invalidTE
    // Pseudo-header fields, section 8.3.
    case latePseudoField
    case repeatedPseudoField
    case unknownPseudoField
    case missingPseudoField
    case superfluousPseudoField
    case invalidMethod
    case invalidScheme
    case invalidAuthority
    case invalidPath
    case invalidStatus
    // RFC 8441 section 4.
    case invalidProtocol
    // Framing, RFC 9113 section 8.1.1 and RFC 9110 section 9.3.6.
    case contentMissing
    case contentNotAllowed
    case endOfInterimResponse
    // Trailers, RFC 9110 section 6.5.1.
    case forbiddenTrailer

    /// A sentence for a log line: what was found and what was expected.
    package var sentence: StaticString {
        switch self {
        case .invalidFieldName: "A field name is not a token in lower case."
        case .invalidFieldValue:
            "A field value has a control character, or a blank at its beginning or end."
        case .connectionField: "There is a field about one connection of HTTP/1.1."
        case .invalidTE: "TE says something else than trailers."
        case .latePseudoField: "A pseudo-header field stands behind a field or in trailers."
        case .repeatedPseudoField: "There are two pseudo-header fields of one name."
        case .unknownPseudoField: "There is a pseudo-header field that no such message has."
        case .missingPseudoField: "A pseudo-header field is missing that every such message has."
        case .superfluousPseudoField: "A CONNECT has a scheme or a path."
        case .invalidMethod: "The method is not a token."
        case .invalidScheme: "The scheme is neither http nor https."
        case .invalidAuthority: "The authority is empty, or has a byte that none may have."
        case .invalidPath:
            "The path begins with no slash, or has a byte that no path may have; percent-encode it."
        case .invalidStatus: "The status is not three digits from 100 on, or is 101."
        case .invalidProtocol: "The protocol of the tunnel is none that is spoken here."
        case .contentMissing: "There is a Content-Length, and the stream ends without content."
        case .contentNotAllowed: "There is a Content-Length where there can be no content."
        case .endOfInterimResponse: "The stream ends with an interim response."
        case .forbiddenTrailer: "There is a field in the trailers that may not stand there."
        }
    }
}
