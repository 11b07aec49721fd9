// Quoted: how messages show what somebody else wrote.

/// Characters of a wrong value that are shown again.
private let shownCharactersMax = 60

/// `text` in quotes, on one line, without characters a terminal would act on, and cut when long.
/// Any thread.
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
