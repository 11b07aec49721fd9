// JSON from an agent: decoded whole, or refused with a reason that names the place.

internal import FoundationEssentials

enum ConsulJSON {
    /// The value that `bytes` are.
    ///
    /// - Throws: `Malformed`, which says where and what.
    static func decode<Value: Decodable>(
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

    /// The JSON of `value`; nil when it has a number that JSON can't say.
    static func encode(_ value: some Encodable) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { Array($0) }
    }

    /// Why an answer can't be used.
    struct Malformed: Error, Equatable {
        let reason: String

        init(_ reason: String) {
            self.reason = reason
        }

        fileprivate init(_ error: DecodingError) {
            switch error {
            case .typeMismatch(let type, let context):
                reason = "\(Self.place(context)) is no \(Self.name(of: type))"
            case .valueNotFound(_, let context): reason = "\(Self.place(context)) is null"
            case .keyNotFound(let key, let context):
                reason = "\(Self.place(context)) has no \(key.stringValue)"
            case .dataCorrupted(let context) where !context.codingPath.isEmpty:
                reason = "\(Self.place(context)) is out of range"
            // Foundation tells of both alike.
            case .dataCorrupted: reason = "it is no JSON, or a number in it is out of range"
            @unknown default: reason = "the JSON can't be read"
            }
        }

        /// `[3].Service.Port`. Keys of maps are the agent's, so what is shown of this is cut.
        private static func place(_ context: DecodingError.Context) -> String {
            guard !context.codingPath.isEmpty else { return "the document" }
            let parts = context.codingPath.map { key in
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
