// Where the access log goes.

package import Traffic

/// The access log.
package struct AccessLogSettings: Equatable, Sendable {
    /// Off, since it costs about as much as balancing does, and it may be more than the reader of a
    /// container's output wants.
    package internal(set) var to = AccessLogTarget.off
    /// What a line looks like.
    package internal(set) var format = AccessLogFormat.json
}

/// Where its lines go.
package enum AccessLogTarget: Equatable, Sendable {
    /// Nowhere.
    case off
    /// To standard output.
    case stdout
    /// To the file at this path.
    case file(String)
}

extension ValueKind<AccessLogTarget> {
    /// A word for a stream, or a path; a path without a slash would be taken for a misspelt word.
    static var accessLogTarget: Self {
        Self(
            "`off`, `stdout`, or the path of a file",
            write: { target in
                switch target {
                case .off: "off"
                case .stdout: "stdout"
                case .file(let path): path
                }
            }
        ) { (text) throws(Unexpected) in
            switch text {
            case "off": return .off
            case "stdout": return .stdout
            default:
                guard text.utf8.contains(0x2F), text.utf8.count <= 4095, !text.utf8.contains(0)
                else {
                    throw Unexpected(expected: "off, stdout, or a path with a slash in it")
                }
                return .file(text)
            }
        }
    }
}
