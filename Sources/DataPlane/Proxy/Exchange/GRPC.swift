// GRPC: what calls of gRPC need beyond HTTP/2: answers of Fairlead's own that their clients
// understand, and an end to what a client has given up. (github.com/grpc/grpc, doc:
// PROTOCOL-HTTP2.md, http-grpc-status-mapping.md.)

internal import GRPCWire
internal import HTTP1
internal import Routing

/// What calls of gRPC need beyond HTTP/2.
package enum GRPC {
    /// The field by which a client says how long it waits, in small letters.
    private static let timeoutName = Array("grpc-timeout".utf8)

    /// How long past its client's deadline a call goes on, in nanoseconds: client and backend know
    /// the deadline too, and what either says of it comes first.
    static let grace: UInt64 = 1_000_000_000

    /// How long its client waits for a call whose `head` was parsed from `bytes`, in nanoseconds;
    /// nil when it does not say, or not in the way in which it has to.
    static func timeout(of head: borrowing RequestHead, _ bytes: Span<UInt8>) -> UInt64? {
        guard let range = head.value(ofField: timeoutName, bytes) else { return nil }
        return GRPCTimeout.nanoseconds(bytes.extracting(range))
    }

    /// Where in the field lines of a request's `head` the value of the first `grpc-timeout` is; nil
    /// when there is none.
    static func timeoutValue(in head: Span<UInt8>) -> Range<Int>? {
        value(of: "grpc-timeout", in: head)
    }

    /// Where in `lines`, each with its end, the value of the first field called `name` is, which is
    /// in small letters; nil when there is none.
    private static func value(of name: StaticString, in lines: Span<UInt8>) -> Range<Int>? {
        let count = name.utf8CodeUnitCount
        var start = 0
        while start < lines.count {
            let end = ByteScan.lineFeed(lines, from: start, to: lines.count) ?? lines.count
            if end - start > count, lines[start + count] == UInt8(ascii: ":"),
                lines.extracting(start..<start + count).isEqualIgnoringCase(to: name)
            {
                var from = start + count + 1
                var to = end
                while from < to, isBlank(lines[from]) { from += 1 }
                while from < to, isBlank(lines[to - 1]) { to -= 1 }
                return from..<to
            }
            start = end + 1
        }
        return nil
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D
    }

    /// The status in `lines`, which are the trailers of an answer or its whole head; nil when there
    /// is none that can be read.
    static func status(in lines: Span<UInt8>) -> GRPCStatus? {
        value(of: "grpc-status", in: lines).flatMap { GRPCStatus(lines.extracting($0)) }
    }

    /// Whether the server says in the lines of an answer's head when the client may call again, or
    /// that it may not: then that is for the client to know.
    static func hasPushback(in lines: Span<UInt8>) -> Bool {
        value(of: "grpc-retry-pushback-ms", in: lines) != nil
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
