// ChallengeAnswers: what is said to a certificate authority that looks at who serves a name (ACME,
// RFC 8555, section 8). By http-01 it asks for a file on port 80, and by tls-alpn-01 for a
// certificate on port 443, under an application protocol of its own (RFC 8737).
//
// While nothing is being ordered there are no such answers, and a request pays one comparison.

internal import Events
internal import Glibc
internal import HTTP1
internal import Routing
package import TLS

/// The answers of all listeners. Value type, any thread; published to the workers as a whole.
package struct ChallengeAnswers: Sendable {
    /// What has to be at the path of each token.
    package var files: [String: [UInt8]] = [:]
    /// A folder in which another program puts such files, named as the tokens; nil for none.
    package var folder: String?
    /// The certificates that are shown under the protocol `acme-tls/1`; nil for none.
    package var certificates: TLSServing?

    /// No answers.
    package init() {}

    /// The folder of such paths (RFC 8555, section 8.3).
    package static let path = "/.well-known/acme-challenge/"
    /// The application protocol of those that ask for a certificate (RFC 8737, section 6.2).
    package static let protocolName = "acme-tls/1"
    /// The largest file that is read: what is in one has about a hundred bytes.
    private static let fileBytesMax = 4096

    /// Whether requests are looked at.
    var isAsked: Bool { !files.isEmpty || folder != nil }

    /// The answer to a request for `path`, with its query; nil when it is for something else, or
    /// for a token that is not known: then the request goes where others go.
    func answer(to path: Span<UInt8>) -> FixedResponse? {
        guard let token = Self.token(of: path) else { return nil }
        if let file = files[token] {
            return Self.response(file)
        }
        guard let folder, let file = Self.read("\(folder)/\(token)") else { return nil }
        return Self.response(file)
    }

    private static func response(_ file: [UInt8]) -> FixedResponse {
        FixedResponse(status: 200, contentType: "application/octet-stream", body: file)
    }

    /// The token that `path` ends with; nil when it is no such path. A token has no dot and no
    /// slash, so that none leads out of a folder.
    static func token(of path: Span<UInt8>) -> String? {
        let before = Self.path.utf8.count
        guard path.count > before, path.count <= before + 128 else { return nil }
        var place = 0
        for byte in Self.path.utf8 {
            guard path[place] == byte else { return nil }
            place += 1
        }
        var token: [UInt8] = []
        while place < path.count {
            switch path[place] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                token.append(path[place])
            default: return nil
            }
            place += 1
        }
        return String(decoding: token, as: UTF8.self)
    }

    /// The file at `path`; nil when there is none, or it is no plain file of that size. The worker
    /// reads it itself: it is asked for a few times in months, and such a file is in memory, since
    /// somebody has just written it. A round by the control thread would be a request that waits.
    private static func read(_ path: String) -> [UInt8]? {
        // Not to wait at a pipe; what is no file is refused below.
        let file = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: fileBytesMax + 1)
        // The array's own memory, for the time of the call.
        let count = unsafe bytes.withUnsafeMutableBytes { room in
            unsafe Glibc.read(file, room.baseAddress, room.count)
        }
        guard count > 0, count <= fileBytesMax else { return nil }
        bytes.removeSubrange(count...)
        // Editors and `echo` end a file with a line end, and the authority wants the text alone.
        while let last = bytes.last, last == 10 || last == 13 { bytes.removeLast() }
        return bytes
    }
}
