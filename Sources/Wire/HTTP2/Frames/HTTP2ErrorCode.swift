// Error codes of RST_STREAM and GOAWAY (RFC 9113 section 7).

/// Why a stream or a connection ends, as the peers tell it to each other. A code that is not known
/// is kept, and means no more than `internalError` (section 7). Value type, any thread.
package struct HTTP2ErrorCode: Equatable, Sendable {
    /// The 32 bits of the frame.
    package let rawValue: UInt32

    /// From the 32 bits of a frame; any value.
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// NO_ERROR: nothing is wrong.
    package static let noError = HTTP2ErrorCode(rawValue: 0x0)
    /// PROTOCOL_ERROR: a rule without a code of its own was broken.
    package static let protocolError = HTTP2ErrorCode(rawValue: 0x1)
    /// INTERNAL_ERROR: the sender failed.
    package static let internalError = HTTP2ErrorCode(rawValue: 0x2)
    /// FLOW_CONTROL_ERROR: more was sent than the window allowed.
    package static let flowControlError = HTTP2ErrorCode(rawValue: 0x3)
    /// SETTINGS_TIMEOUT: settings were not acknowledged in time.
    package static let settingsTimeout = HTTP2ErrorCode(rawValue: 0x4)
    /// STREAM_CLOSED: a frame came for a stream that its sender had ended.
    package static let streamClosed = HTTP2ErrorCode(rawValue: 0x5)
    /// FRAME_SIZE_ERROR: a frame has a length that it can't have.
    package static let frameSizeError = HTTP2ErrorCode(rawValue: 0x6)
    /// REFUSED_STREAM: nothing was done with the stream; it may be tried again elsewhere.
    package static let refusedStream = HTTP2ErrorCode(rawValue: 0x7)
    /// CANCEL: the stream is no longer wanted.
    package static let cancel = HTTP2ErrorCode(rawValue: 0x8)
    /// COMPRESSION_ERROR: a header block could not be decoded.
    package static let compressionError = HTTP2ErrorCode(rawValue: 0x9)
    /// CONNECT_ERROR: the connection of a CONNECT request failed.
    package static let connectError = HTTP2ErrorCode(rawValue: 0xA)
    /// ENHANCE_YOUR_CALM: the peer asks for too much work.
    package static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 0xB)
    /// INADEQUATE_SECURITY: TLS is too weak for HTTP/2.
    package static let inadequateSecurity = HTTP2ErrorCode(rawValue: 0xC)
    /// HTTP_1_1_REQUIRED: the request must come by HTTP/1.1.
    package static let http11Required = HTTP2ErrorCode(rawValue: 0xD)
}

extension HTTP2ErrorCode: CustomStringConvertible {
    /// The name in RFC 9113, or the number in hexadecimal; for logs, not for the hot path.
    package var description: String {
        let names = [
            "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR",
            "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL",
            "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY",
            "HTTP_1_1_REQUIRED",
        ]
        return Int(rawValue) < names.count
            ? names[Int(rawValue)] : "0x" + String(rawValue, radix: 16)
    }
}
