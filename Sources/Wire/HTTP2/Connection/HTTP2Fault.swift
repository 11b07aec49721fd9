// Everything a peer can do wrong on a connection. One case for each rule, so that a log line, a
// test and a counter can name it.

/// What a peer did wrong, or too often. Value type, any thread.
package enum HTTP2Fault: UInt8, Error, Equatable, Sendable, CaseIterable {
    // The beginning, RFC 9113 section 3.4.
    case preface
    case settingsMissing
    // Frames, RFC 9113 sections 4 and 6.
    case frameTooLarge
    case frameLength
    case padding
    case streamNumber
    case idleStream
    case closedStream
    case pushPromise
    case selfDependency
    case settingValue
    case windowIncrement
    case windowOverflow
    case windowExceeded
    // Header blocks, RFC 9113 sections 4.3 and 6.10.
    case blockInterrupted
    case continuationAlone
    case blockTooLong
    case tooManyContinuations
    // Messages, RFC 9113 section 8.
    case dataBeforeHead
    case trailersNotLast
    case contentLength
    // What the caller finds in a header block.
    case malformedHead
    case compression
    case tooManyFields
    // Budgets: more work than a peer needs to cause.
    case tooManyStreams
    case resets
    case controlFrames
    case emptyFrames
    case uselessBytes
    case faults
}

extension HTTP2Fault {
    /// The value of a metric's label.
    package var label: StaticString {
        switch self {
        case .preface: "preface"
        case .settingsMissing: "settings_missing"
        case .frameTooLarge: "frame_too_large"
        case .frameLength: "frame_length"
        case .padding: "padding"
        case .streamNumber: "stream_number"
        case .idleStream: "idle_stream"
        case .closedStream: "closed_stream"
        case .pushPromise: "push_promise"
        case .selfDependency: "self_dependency"
        case .settingValue: "setting_value"
        case .windowIncrement: "window_increment"
        case .windowOverflow: "window_overflow"
        case .windowExceeded: "window_exceeded"
        case .blockInterrupted: "block_interrupted"
        case .continuationAlone: "continuation_alone"
        case .blockTooLong: "block_too_long"
        case .tooManyContinuations: "too_many_continuations"
        case .dataBeforeHead: "data_before_head"
        case .trailersNotLast: "trailers_not_last"
        case .contentLength: "content_length"
        case .malformedHead: "malformed_head"
        case .compression: "compression"
        case .tooManyFields: "too_many_fields"
        case .tooManyStreams: "too_many_streams"
        case .resets: "resets"
        case .controlFrames: "control_frames"
        case .emptyFrames: "empty_frames"
        case .uselessBytes: "useless_bytes"
        case .faults: "faults"
        }
    }

    /// A sentence for a log line: what was found and what was expected.
    package var sentence: StaticString {
        switch self {
        case .preface: "The connection does not begin with the preface of HTTP/2."
        case .settingsMissing: "The first frame is not SETTINGS."
        case .frameTooLarge: "A frame has more than 16,384 bytes, the most that was allowed."
        case .frameLength: "A frame has a length that its type can't have."
        case .padding: "The padding of a frame is longer than the frame."
        case .streamNumber:
            "A frame names a stream that its type can't have, or one that can't be opened."
        case .idleStream: "A frame other than HEADERS or PRIORITY names a stream not yet opened."
        case .closedStream: "A frame names a stream that its sender had ended."
        case .pushPromise: "A PUSH_PROMISE came, though push was never allowed."
        case .selfDependency: "A stream is said to depend on itself."
        case .settingValue: "A setting has a value that it can't have."
        case .windowIncrement: "A WINDOW_UPDATE adds nothing."
        case .windowOverflow: "A window was opened beyond 2^31-1 bytes."
        case .windowExceeded: "More DATA came than the window allowed."
        case .blockInterrupted: "Another frame came before a header block was whole."
        case .continuationAlone: "A CONTINUATION came with no header block to continue."
        case .blockTooLong: "A header block has more bytes than the limit of a head."
        case .tooManyContinuations: "A header block has more than 8 CONTINUATION frames."
        case .dataBeforeHead: "DATA came before the head of a response."
        case .trailersNotLast: "A second header block came that does not end the stream."
        case .contentLength: "DATA of a message is more or less than its content-length says."
        case .malformedHead: "A header block is no head that HTTP allows."
        case .compression: "A header block could not be decoded."
        case .tooManyFields: "A header block has far more fields than the limit."
        case .tooManyStreams: "More streams were opened at a time than was allowed."
        case .resets: "Far more streams were reset, or made to be, than ended well."
        case .controlFrames: "More than 1,000 SETTINGS, PING, GOAWAY or late RST_STREAM in 10 s."
        case .emptyFrames: "More than 10 DATA frames in a row had nothing in them."
        case .uselessBytes: "Far more bytes came in frames than in messages."
        case .faults: "Too many faults that would each be pardoned."
        }
    }
}

extension HTTP2Fault: CustomStringConvertible {
    /// `sentence` as a String; for logs, not for the hot path.
    package var description: String { "\(sentence)" }
}

/// How often a peer did what: one small counter for each fault, which stops at 65,535.
package struct HTTP2FaultCounts: Equatable, Sendable {
    private var counts = InlineArray<32, UInt16>(repeating: 0)

    init() {}

    /// How often `fault` was seen.
    package subscript(_ fault: HTTP2Fault) -> Int { Int(counts[Int(fault.rawValue)]) }

    /// How many were seen of all together.
    package var total: Int {
        HTTP2Fault.allCases.reduce(0) { $0 + self[$1] }
    }

    /// Whether nothing was seen.
    private(set) var isEmpty = true

    mutating func add(_ fault: HTTP2Fault) {
        isEmpty = false
        let index = Int(fault.rawValue)
        if counts[index] < .max { counts[index] += 1 }
    }

    /// Whether every fault was seen as often in both.
    package static func == (left: HTTP2FaultCounts, right: HTTP2FaultCounts) -> Bool {
        HTTP2Fault.allCases.allSatisfy { left[$0] == right[$0] }
    }
}
