// Quoted: how messages and JSON show what somebody else wrote.

/// Characters of a wrong value that are shown again.
private let shownCharactersMax = 60

/// `text` in quotes, on one line, without characters a terminal would act on, and cut when long. Any thread.
package func quoted(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(shownCharactersMax) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
            shown += "\\u{\(String(scalar.value, radix: 16))}"
        default:
            shown.unicodeScalars.append(scalar)
        }
    }
    let isCut = text.unicodeScalars.count > shownCharactersMax
    return "\"\(shown)\(isCut ? "…" : "")\""
}

/// `text` as a string of JSON, on one line (RFC 8259, section 7). Any thread.
package func quotedAsJSON(_ text: String) -> String {
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
