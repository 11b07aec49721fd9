// AdminQuery: the parameters of a request. They stand in the query and never in a body, so that one
// command line can say everything: `curl -X POST …/weight?weight=5`. Unknown parameters are
// refused: a misspelt one must not lead to something that was not meant.

internal import HTTP1

/// The text with its percent-encoding decoded; nil where that is malformed, or is no UTF-8.
func percentDecoded(_ text: some StringProtocol) -> String? {
    guard text.utf8.contains(0x25) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8.makeIterator()
    while let byte = rest.next() {
        guard byte == 0x25 else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.next().flatMap(Characters.hexValue),
            let low = rest.next().flatMap(Characters.hexValue)
        else { return nil }
        bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
}

/// Parameters by name. Value type.
struct AdminQuery {
    private var values: [String: String] = [:]

    /// - Throws: for a parameter that is not among `known`, comes twice, or is malformed.
    init(_ query: String?, known: [String]) throws(AdminProblem) {
        let expected =
            known.isEmpty ? "no parameters" : "at most \(known.joined(separator: ", ")), each once"
        for part in (query ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = pair.count > 1 ? pair[1] : ""
            guard let name = percentDecoded(pair[0]), let text = percentDecoded(value) else {
                throw AdminProblem(
                    400, "The query is not percent-encoded UTF-8.", expected: expected)
            }
            guard known.contains(name) else {
                throw AdminProblem(
                    400, "The parameter \(AdminProblem.shown(name)) is not known here.",
                    expected: expected)
            }
            guard values.updateValue(text, forKey: name) == nil else {
                throw AdminProblem(400, "The parameter \(name) comes twice.", expected: expected)
            }
        }
    }

    /// The parameter's value; nil without it.
    subscript(_ name: String) -> String? { values[name] }

    /// A parameter that is a whole number within `range`; nil without it.
    func number<Number: FixedWidthInteger>(
        _ name: String, _ range: ClosedRange<Number>
    ) throws(AdminProblem) -> Number? {
        guard let text = values[name] else { return nil }
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Number(text), range.contains(number)
        else {
            throw AdminProblem(
                400, "\(name) is \(AdminProblem.shown(text)), which is no number in its range.",
                expected: "\(name)=\(range.lowerBound) to \(name)=\(range.upperBound)")
        }
        return number
    }
}
