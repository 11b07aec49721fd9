// Every reason to refuse a head. One case per rule, so that a log line, a test and a counter can
// name it; the rule's section stands beside the case.

/// Why a head was refused.
package enum HeadError: UInt8, Error, Equatable, Sendable, CaseIterable {
    // Lines, RFC 9112 section 2.2.
    case bareLineFeed
    case bareCarriageReturn
    // Sizes: RFC 6585 section 5, RFC 9110 section 15.5.15.
    case headTooLarge
    case tooManyFields
    case requestLineTooLong
    // The request line, RFC 9112 section 3.
    case invalidMethod
    case invalidTarget
    case targetFormNotAllowed
    case invalidRequestLine
    case unsupportedVersion
    // The status line, RFC 9112 section 4; status range, RFC 9110 section 15.
    case invalidStatusLine
    case invalidStatusCode
    // Fields, RFC 9112 section 5 and RFC 9110 section 5.
    case leadingWhitespace
    case whitespaceBeforeColon
    case emptyFieldName
    case invalidFieldName
    case invalidFieldValue
    // Host, RFC 9112 section 3.2 and RFC 9110 section 7.2.
    case missingHost
    case repeatedHost
    case invalidHost
    // Framing, RFC 9112 section 6 and RFC 9110 section 8.6.
    case invalidContentLength
    case repeatedContentLength
    case unsupportedTransferCoding
    case chunkedNotLast
    case repeatedTransferEncoding
    case transferEncodingWithContentLength
    case transferEncodingInHTTP10
    case contentNotAllowed
    // Connection, RFC 9110 section 7.6.1.
    case invalidConnection
    case tooManyConnectionOptions
    // Max-Forwards, RFC 9110 section 7.6.2.
    case invalidMaxForwards

    /// The status to answer a request with. For a bad response the answer is 502, whatever this
    /// says.
    package var status: Int {
        switch self {
        case .headTooLarge, .tooManyFields: 431
        case .requestLineTooLong: 414
        case .unsupportedVersion: 505
        case .unsupportedTransferCoding: 501
        case .bareLineFeed, .bareCarriageReturn, .invalidMethod, .invalidTarget,
            .targetFormNotAllowed, .invalidRequestLine, .invalidStatusLine, .invalidStatusCode,
            .leadingWhitespace, .whitespaceBeforeColon, .emptyFieldName, .invalidFieldName,
            .invalidFieldValue, .missingHost, .repeatedHost, .invalidHost, .invalidContentLength,
            .repeatedContentLength, .chunkedNotLast, .repeatedTransferEncoding,
            .transferEncodingWithContentLength, .transferEncodingInHTTP10, .contentNotAllowed,
            .invalidConnection, .tooManyConnectionOptions, .invalidMaxForwards:
            400
        }
    }
}

extension HeadError: CustomStringConvertible {
    /// `sentence` as a String; for logs, not for the hot path.
    package var description: String { "\(sentence)" }

    /// A sentence for a log line or the body of an answer: what was found and what was expected.
    package var sentence: StaticString {
        switch self {
        case .bareLineFeed: "A line ends in a bare LF; every line must end in CR LF."
        case .bareCarriageReturn: "A CR is not followed by LF; every line must end in CR LF."
        case .headTooLarge: "The head is larger than the limit; send fewer or shorter fields."
        case .tooManyFields: "The head has more fields than the limit; send fewer."
        case .requestLineTooLong: "The first line is longer than the limit; send a shorter one."
        case .invalidMethod: "The method is not a token followed by one space."
        case .invalidTarget:
            "The request target has a byte or form that no target may have; percent-encode it."
        case .targetFormNotAllowed:
            "The form of the request target does not go with the method."
        case .invalidRequestLine:
            "The request line is not a method, a target and a version with one space between."
        case .unsupportedVersion: "The version is neither HTTP/1.0 nor HTTP/1.1."
        case .invalidStatusLine:
            "The status line is not HTTP/1.0 or HTTP/1.1, a status code and a reason."
        case .invalidStatusCode: "The status code is not three digits from 100 on."
        case .leadingWhitespace:
            "A line of the head begins with whitespace; folded fields are not accepted."
        case .whitespaceBeforeColon: "There is whitespace between a field name and its colon."
        case .emptyFieldName: "A field line has no name before its colon."
        case .invalidFieldName: "A field name is not a token followed by a colon."
        case .invalidFieldValue: "A field value has a control character."
        case .missingHost: "The request names no host; one of HTTP/1.1 must have a Host field."
        case .repeatedHost: "There is more than one Host field; there must be exactly one."
        case .invalidHost: "The host is not a name or address with an optional port."
        case .invalidContentLength:
            "Content-Length is not one decimal number of a size that can be counted."
        case .repeatedContentLength: "There is more than one Content-Length field."
        case .unsupportedTransferCoding: "The only transfer coding understood is chunked, once."
        case .chunkedNotLast: "The last transfer coding is not chunked, so the body has no end."
        case .repeatedTransferEncoding: "There is more than one Transfer-Encoding field."
        case .transferEncodingWithContentLength:
            "There are both a Transfer-Encoding and a Content-Length; send one of them."
        case .transferEncodingInHTTP10: "A message of HTTP/1.0 cannot have a Transfer-Encoding."
        case .contentNotAllowed: "A CONNECT or TRACE request cannot have content."
        case .invalidConnection: "The Connection field is not a list of tokens."
        case .invalidMaxForwards: "Max-Forwards is not one decimal number."
        case .tooManyConnectionOptions: "The Connection field has more options than the limit."
        }
    }
}
