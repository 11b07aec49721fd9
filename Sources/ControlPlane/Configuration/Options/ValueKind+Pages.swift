// The kinds of value that are about pages of errors, and about being closed.

internal import Documents
internal import Routing
internal import Wording

extension ValueKind where Value == [PageRule] {
    /// Pages by status: a mapping of `502` or `5xx` to the path of a file.
    static var pages: Self {
        var kind = list(of: page, countMax: ConfigurationLimits.pagesMax)
        kind.takesMapping = true
        return kind
    }

    private static var page: ValueKind<PageRule> {
        ValueKind<PageRule>(
            "`STATUS: FILE`, or `5xx: FILE`", write: { "\($0.statuses.text): \($0.path)" }
        ) { (text) throws(Unexpected) in
            guard let colon = text.firstIndex(of: ":") else {
                throw Unexpected(expected: "a mapping of statuses to files, such as {502: FILE}")
            }
            let path = text[text.index(after: colon)...].drop { $0 == " " }
            return PageRule(
                try statuses(String(text[..<colon])),
                try ValueKind<String>.pageFile.parse([String(path)]))
        }
    }

    private static func statuses(_ text: String) throws(Unexpected) -> PageStatuses {
        switch text.lowercased() {
        case "4xx": return .hundred(4)
        case "5xx": return .hundred(5)
        default: break
        }
        guard text.count == 3, let status = Units.digits(text),
            ErrorPages.statuses.contains(status)
        else {
            throw Unexpected(
                expected: "",
                sentence: "found the status \(quoted(text)), expected one from 400 to 599, or 4xx "
                    + "or 5xx")
        }
        return .one(status)
    }
}

extension PageStatuses {
    /// The statuses as an operator writes them.
    var text: String {
        switch self {
        case .one(let status): "\(status)"
        case .hundred(let hundred): "\(hundred)xx"
        }
    }
}

extension ValueKind where Value == String {
    /// The path of a file that is a page, which its name says what kind of.
    static var pageFile: Self {
        Self("path of an .html, .txt, .json or .xml file", write: { $0 }) {
            (text) throws(Unexpected) in
            guard PageFormat(path: text) != nil else {
                throw Unexpected(
                    expected: "",
                    sentence: "found the file \(quoted(text)), expected one that ends in .html, "
                        + ".htm, .txt, .json or .xml: the ending says what it is")
            }
            return text
        }
    }
}

extension ValueKind where Value == MaintenanceRule.When {
    /// `on`, `off`, or the path of a file.
    static var maintenance: Self {
        Self("`on`, `off`, or the path of a file", write: { $0.text }) {
            (text) throws(Unexpected) in
            switch text {
            case "on": return .on
            case "off": return .off
            case let path where path.hasPrefix("/") && path.count > 1: return .whileFile(path)
            default:
                throw Unexpected(expected: "on, off, or the path of a file that begins with /")
            }
        }
    }
}

extension MaintenanceRule.When {
    /// The text that an operator writes for it.
    fileprivate var text: String {
        switch self {
        case .off: "off"
        case .on: "on"
        case .whileFile(let path): path
        }
    }
}
