// GRPCStatus: how a call of gRPC ended (github.com/grpc/grpc, doc/statuscodes.md).

/// What `grpc-status` says. A code that gRPC does not define is kept, and means what UNKNOWN does.
/// Value type, any thread.
package struct GRPCStatus: Hashable, Sendable {
    /// The number, 0 to 999.
    package let code: Int

    /// The status with this number.
    /// - Precondition: `code` is 0 to 999.
    package init(code: Int) {
        precondition((0...999).contains(code), "a status has one to three digits")
        self.code = code
    }

    /// The status that a field's value says: one to three digits; nil for any other value.
    package init?(_ value: Span<UInt8>) {
        guard (1...3).contains(value.count) else { return nil }
        var code = 0
        for index in value.indices {
            guard (0x30...0x39).contains(value[index]) else { return nil }
            code = code * 10 + Int(value[index] - 0x30)
        }
        self.code = code
    }

    /// OK: the call succeeded.
    package static let ok = GRPCStatus(code: 0)
    /// CANCELLED: the caller has given up, most often.
    package static let cancelled = GRPCStatus(code: 1)
    /// UNKNOWN: the server says no more than that it failed.
    package static let unknown = GRPCStatus(code: 2)
    /// DEADLINE_EXCEEDED: the client's time was over.
    package static let deadlineExceeded = GRPCStatus(code: 4)
    /// NOT_FOUND: there is nothing of that name.
    package static let notFound = GRPCStatus(code: 5)
    /// RESOURCE_EXHAUSTED: a limit is reached, or something is too large.
    package static let resourceExhausted = GRPCStatus(code: 8)
    /// UNIMPLEMENTED: the server has no such method.
    package static let unimplemented = GRPCStatus(code: 12)
    /// INTERNAL: an invariant of the server is broken.
    package static let `internal` = GRPCStatus(code: 13)
    /// UNAVAILABLE: the server can't serve now; clients may try again.
    package static let unavailable = GRPCStatus(code: 14)

    /// DATA_LOSS: data is lost for good, or damaged.
    package static let dataLoss = GRPCStatus(code: 15)

    /// Whether gRPC defines the code.
    package var isDefined: Bool { code < Self.names.count }

    /// The name, as gRPC writes it; nil for a code that it does not define.
    package var name: String? { staticName.map { "\($0)" } }

    /// The name, without a text being made.
    package var staticName: StaticString? { isDefined ? Self.names[code] : nil }

    /// Whether it says that the server has failed, as OpenTelemetry's conventions have it: any
    /// other says that the call succeeded, was given up, or was refused for good reason.
    package var isServerFailure: Bool {
        switch self {
        case .unknown, .deadlineExceeded, .unimplemented, .internal, .unavailable, .dataLoss: true
        default: false
        }
    }

    private static let names: [StaticString] = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
        "UNAUTHENTICATED",
    ]
}

extension GRPCStatus: CustomStringConvertible {
    /// Number and name: `14 (UNAVAILABLE)`.
    package var description: String {
        name.map { "\(code) (\($0))" } ?? "\(code)"
    }
}
