// GRPC: what calls of gRPC need beyond HTTP/2: answers of Fairlead's own that their clients
// understand, and an end to what a client has given up. (github.com/grpc/grpc, doc:
// PROTOCOL-HTTP2.md, http-grpc-status-mapping.md.)

internal import HTTP1
internal import Routing

/// What calls of gRPC need beyond HTTP/2.
package enum GRPC {
    /// The field by which a client says how long it waits, in small letters.
    private static let timeoutName = Array("grpc-timeout".utf8)

    /// How long past its client's deadline a call goes on, in nanoseconds: client and backend know
    /// the deadline too, and what either says of it comes first.
    private static let grace: UInt64 = 1_000_000_000

    /// How long a call may last whose `head` was parsed from `bytes`, in nanoseconds; nil when its
    /// client does not say, or not in the way in which it has to.
    static func timeout(of head: borrowing RequestHead, _ bytes: Span<UInt8>) -> UInt64? {
        guard let range = head.value(ofField: timeoutName, bytes) else { return nil }
        // The longest one that can be written is many times as long as can be counted.
        return timeout(bytes.extracting(range)).map { min($0, .max - grace) + grace }
    }

    /// The time that a value of the field says, in nanoseconds, or the most that can be counted;
    /// nil for any other value. It has one to eight digits, and a unit.
    package static func timeout(_ value: Span<UInt8>) -> UInt64? {
        guard (2...9).contains(value.count) else { return nil }
        var number: UInt64 = 0
        for index in 0..<value.count - 1 {
            guard Characters.isDigit(value[index]) else { return nil }
            number = number * 10 + UInt64(value[index] - 0x30)
        }
        switch value[value.count - 1] {
        case UInt8(ascii: "H"):
            let (nanoseconds, isTooLong) = number.multipliedReportingOverflow(by: 3_600_000_000_000)
            return isTooLong ? .max : nanoseconds
        case UInt8(ascii: "M"): return number * 60_000_000_000
        case UInt8(ascii: "S"): return number * 1_000_000_000
        case UInt8(ascii: "m"): return number * 1_000_000
        case UInt8(ascii: "u"): return number * 1000
        case UInt8(ascii: "n"): return number
        default: return nil
        }
    }

    /// The `grpc-status` that stands for an answer of Fairlead's own with this status. A time that
    /// was over is told as such, and not as UNAVAILABLE: clients send again what was unavailable.
    static func status(of status: Int) -> Int {
        switch status {
        case 400: 13  // INTERNAL
        case 401: 16  // UNAUTHENTICATED
        case 403: 7  // PERMISSION_DENIED
        case 404, 405: 12  // UNIMPLEMENTED
        case 408, 504: 4  // DEADLINE_EXCEEDED
        case 413, 431: 8  // RESOURCE_EXHAUSTED
        case 429, 502, 503: 14  // UNAVAILABLE
        default: 2  // UNKNOWN
        }
    }

    /// Appends `text` as a `grpc-message`: without the end of its line, and with all but printable
    /// characters percent-encoded.
    package static func append(message text: [UInt8], to out: inout [UInt8]) {
        for byte in text where byte != 0x0A {
            if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "%") {
                out.append(byte)
            } else {
                out += Array("%".utf8) + [digit(byte >> 4), digit(byte & 0xF)]
            }
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x41 + value - 10
    }
}

extension LocalReply {
    /// What writes the answer for a client of gRPC: a head that is all of it, with the status that
    /// such clients look at ("Trailers-Only"). `edits` are as for any other client.
    func writerOfGRPC(to client: ClientCapabilities, _ edits: FieldEdits?) -> ResponseWriter {
        var writer = ResponseWriter(status: 200, contentType: "application/grpc", to: client)
        writer.addField("grpc-status", Array("\(GRPC.status(of: status))".utf8).span)
        var message: [UInt8] = []
        GRPC.append(message: self.message ?? body, to: &message)
        if !message.isEmpty { writer.addField("grpc-message", message.span) }
        if let edits = self.edits ?? edits { writer.add(edits) }
        return writer
    }
}
