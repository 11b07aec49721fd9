// HTML: text that is markup, apart from text that is not. Literals are markup; every value that is
// put into one is escaped, so a host name from DNS can't become a script by being forgotten.

/// Escaped markup. `"<b>\(name)</b>"` escapes `name`; a value that is HTML itself is put in as
/// it is. Markup in a variable or a condition needs the type written beside it: a bare literal
/// inside `\(…)` is a String, and so is escaped.
struct HTML: ExpressibleByStringInterpolation, Sendable {
    private(set) var text: String

    init(stringLiteral value: String) {
        text = value
    }

    init(stringInterpolation: Interpolation) {
        text = stringInterpolation.text
    }

    /// The pieces one after the other.
    init(_ pieces: some Sequence<HTML>) {
        text = pieces.map(\.text).joined()
    }

    struct Interpolation: StringInterpolationProtocol {
        var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity)
        }

        mutating func appendLiteral(_ literal: String) {
            text += literal
        }

        mutating func appendInterpolation(_ html: HTML) {
            text += html.text
        }

        mutating func appendInterpolation(_ value: some CustomStringConvertible) {
            for scalar in value.description.unicodeScalars {
                switch scalar {
                case "&": text += "&amp;"
                case "<": text += "&lt;"
                case ">": text += "&gt;"
                case "\"": text += "&quot;"
                case "'": text += "&#39;"
                default: text.unicodeScalars.append(scalar)
                }
            }
        }
    }
}
