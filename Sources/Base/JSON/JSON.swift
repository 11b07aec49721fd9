// JSON: how values become its text, and text values, in one way everywhere (RFC 8259).

internal import FoundationEssentials

/// JSON by `Codable`. Any thread.
package enum JSON {
    /// How a document is laid out.
    package enum Layout: Sendable {
        /// All of it on one line.
        case line
        /// Indented, for people.
        case indented
    }

    /// The value that `bytes` are.
    ///
    /// - Throws: `Malformed`, which says where and what.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8]
    ) throws(Malformed) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw Malformed(error)
        } catch {
            throw Malformed("the JSON can't be read")
        }
    }

    /// The JSON of `value`, without a line end: keys are sorted, so that two documents can be
    /// compared as text. Nil when it has a number that JSON can't say, as infinity.
    package static func encode(_ value: some Encodable, layout: Layout = .line) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if case .indented = layout { encoder.outputFormatting.insert(.prettyPrinted) }
        return (try? encoder.encode(value)).map { Array($0) }
    }

    /// `text` as a string of JSON, on one line (section 7): for lines that are written piece by
    /// piece.
    package static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Why bytes are not the value that was expected of them.
    package struct Malformed: Error, Equatable {
        /// A clause such as `[3].Service.Port is no whole number`. Keys of maps are the writer's,
        /// of any length.
        package let reason: String

        /// For who reads a meaning into a document, and finds none.
        package init(_ reason: String) {
            self.reason = reason
        }

        init(_ error: DecodingError) {
            switch error {
            case .typeMismatch(let type, let context):
                reason = "\(Self.place(context)) is no \(Self.name(of: type))"
            case .valueNotFound(_, let context): reason = "\(Self.place(context)) is null"
            case .keyNotFound(let key, let context):
                reason = "\(Self.place(context)) has no \(key.stringValue)"
            case .dataCorrupted(let context) where !context.codingPath.isEmpty:
                reason = "\(Self.place(context)) is not among the expected values"
            // Foundation tells of both alike, and of neither where.
            case .dataCorrupted: reason = "it is no JSON, or a number in it is out of range"
            @unknown default: reason = "the JSON can't be read"
            }
        }

        /// `[3].Service.Port`.
        private static func place(_ context: DecodingError.Context) -> String {
            place(context.codingPath)
        }

        /// Where in the document `path` leads: `[3].Service.Port`.
        static func place(_ path: [any CodingKey]) -> String {
            guard !path.isEmpty else { return "the document" }
            let parts = path.map { key in
                key.intValue.map { "[\($0)]" } ?? key.stringValue
            }
            return parts.joined(separator: ".")
        }

        private static func name(of type: Any.Type) -> String {
            switch type {
            case is String.Type: "text"
            case is any BinaryInteger.Type: "whole number"
            case is [String: Any].Type: "object"
            case is [Any].Type: "list"
            default: "value of the expected kind"
            }
        }
    }
}
