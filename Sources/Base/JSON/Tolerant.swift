// Tolerant: an element of a list that may make no sense without spoiling the others.

extension JSON {
    /// A value, or why it is none. Decoding it never fails.
    package enum Tolerant<Value: Decodable>: Decodable {
        /// The value.
        case value(Value)
        /// Why there is none.
        case malformed(Malformed)

        /// Reads a value, whatever stands there.
        package init(from decoder: any Decoder) {
            do {
                self = .value(try Value(from: decoder))
            } catch let error as DecodingError {
                self = .malformed(Malformed(error))
            } catch {
                // Foundation says of a number out of range neither that nor where.
                let place = Malformed.place(decoder.codingPath)
                self = .malformed(Malformed("\(place) has a number that is out of range"))
            }
        }

        /// The value; nil when there is none.
        package var value: Value? {
            if case .value(let value) = self { value } else { nil }
        }

        /// Why there is no value; nil when there is one.
        package var reason: String? {
            if case .malformed(let error) = self { error.reason } else { nil }
        }
    }
}
