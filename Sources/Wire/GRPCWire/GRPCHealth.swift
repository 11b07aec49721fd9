// GRPCHealth: the question whether a server of gRPC serves, and its answer: version 1 of the health
// checking protocol (github.com/grpc/grpc, doc/health-checking.md), whose two messages have one
// field each.
//
// HealthCheckRequest { string service = 1; }
// HealthCheckResponse { ServingStatus status = 1; }

/// The messages of `grpc.health.v1.Health/Check`. Any thread.
package enum GRPCHealth {
    /// The path of the call.
    package static let path = "/grpc.health.v1.Health/Check"

    /// What a server says of itself, or of a service of its own.
    package enum Answer: Hashable, Sendable {
        /// SERVING: it takes calls.
        case serving
        /// NOT_SERVING: it takes none now.
        case notServing
        /// UNKNOWN: it can't say, as at its start.
        case unknown
        /// SERVICE_UNKNOWN: it has no such service; an answer to `Watch`, not to `Check`.
        case serviceUnknown
        /// A number that the protocol does not define.
        case other(UInt64)
        /// No message of the protocol.
        case malformed
    }

    /// The body of a call about `service`; about the whole server if that is empty.
    package static func question(about service: String) -> [UInt8] {
        let name = Array(service.utf8)
        guard !name.isEmpty else { return GRPCMessage.framed([]) }
        var message: [UInt8] = [Tag(field: 1, .bytes).rawValue]
        var length = name.count
        while length > 0x7F {
            message.append(UInt8(length & 0x7F) | 0x80)
            length >>= 7
        }
        message.append(UInt8(length))
        return GRPCMessage.framed(message + name)
    }

    /// What the body of an answer says.
    package static func answer(in body: Span<UInt8>) -> Answer {
        do throws(GRPCMessage.Problem) {
            return status(of: body.extracting(try GRPCMessage.range(in: body)))
        } catch {
            return .malformed
        }
    }

    /// The status in a message. Of a field that comes more than once the last counts, fields that
    /// are not known are skipped, and one that does not come is zero, as protobuf has it.
    private static func status(of message: Span<UInt8>) -> Answer {
        var fields = FieldReader(message.count)
        var status: UInt64 = 0
        while fields.hasMore {
            guard let tag = fields.number(message), tag >> 3 > 0 else { return .malformed }
            switch (tag >> 3, tag & 7) {
            case (1, 0):
                guard let number = fields.number(message) else { return .malformed }
                status = number
            case (_, 0):
                guard fields.number(message) != nil else { return .malformed }
            case (_, 1): guard fields.skip(8) else { return .malformed }
            case (_, 2):
                guard let count = fields.number(message), fields.skip(count) else {
                    return .malformed
                }
            case (_, 5): guard fields.skip(4) else { return .malformed }
            // Groups, which nobody writes any more, and what is no type at all.
            default: return .malformed
            }
        }
        return switch status {
        case 0: .unknown
        case 1: .serving
        case 2: .notServing
        case 3: .serviceUnknown
        default: .other(status)
        }
    }

    /// The first byte of a field of a message, for fields of small numbers.
    private struct Tag {
        /// How the value stands behind the tag.
        enum Form: UInt8 {
            case number = 0
            case bytes = 2
        }

        let rawValue: UInt8

        init(field: UInt8, _ form: Form) { rawValue = field << 3 | form.rawValue }
    }

    /// Where a message is being read. It never goes beyond the end.
    private struct FieldReader {
        private var place = 0
        private let end: Int

        init(_ count: Int) { end = count }

        var hasMore: Bool { place < end }

        /// The next number ("varint"), of ten bytes at most; nil when there is none.
        mutating func number(_ bytes: Span<UInt8>) -> UInt64? {
            var number: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 70, by: 7) {
                guard place < end else { return nil }
                let byte = bytes[place]
                place += 1
                // Of the tenth byte one bit is left.
                if shift == 63, byte > 1 { return nil }
                number |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return number }
            }
            return nil
        }

        /// Goes on behind `count` bytes; false when there are fewer.
        mutating func skip(_ count: UInt64) -> Bool {
            guard count <= UInt64(end - place) else { return false }
            place += Int(count)
            return true
        }
    }
}
