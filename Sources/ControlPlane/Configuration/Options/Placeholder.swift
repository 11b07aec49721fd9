// Placeholder: `${NAME}` in a file. Other programs put the variable NAME there; here each option
// has a variable of its own, and a file is what it says.

internal import Documents

/// Looks for variables in texts. Pure, any thread.
enum Placeholder {
    /// Whether `text` has a `${NAME}`, or one with a default.
    static func isIn(_ text: String) -> Bool {
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            rest = rest[start.upperBound...]
            let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            let next = rest.dropFirst(name.count).first
            if !name.isEmpty, next == "}" || next == ":" || next == "-" { return true }
        }
        return false
    }

    /// What to say of a value with one, which is not shown when it is nil; `variable` is that of
    /// its option, as far as it has one.
    static func advice(_ text: String?, variable: String?) -> String {
        let found = text.map(quoted) ?? "a ${NAME}"
        let isKnown = variable.map { name in
            OptionTable.file.contains { $0.environmentName == name }
        }
        let what = isKnown == true ? "use the variable \(variable ?? "")" : "write the value itself"
        return "found \(found), which is not substituted; \(what)"
    }
}

extension Option {
    /// Whether a `${NAME}` in it is a mistake: in a text that goes to others as it is, it may be
    /// meant.
    var mayNotHavePlaceholders: Bool {
        let word = key.split(separator: ".").last ?? ""
        return !takesMapping && !["body", "send", "expect", "set", "headers"].contains(word)
    }
}
