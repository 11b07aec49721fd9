// NamedText: the text of a file, and the one place of this module that touches the file system.

internal import Glibc

/// A text and the name that messages give it. Value type, any thread.
package struct NamedText: Equatable, Sendable {
    /// What messages call it: the path of a file.
    package var name: String
    /// The whole text.
    package var text: String

    /// Bytes of a file that is read. A thousand services take about 200 KiB.
    package static let bytesMax = 1 << 20

    /// Its first line, without its end: all that a file with a secret has.
    package var firstLine: String { String(text.prefix { !$0.isNewline }) }

    /// A text that did not come from disk.
    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }

    /// Reads the regular file at `path`: at most `bytesMax` bytes, UTF-8. A pipe or a device is
    /// refused unopened, since it may keep a reader waiting forever. Blocks for as long as a disk
    /// does.
    /// - Throws: what is wrong with the file as a whole.
    package static func read(
        path: String, bytesMax: Int = bytesMax
    ) throws(FileTextError) -> NamedText {
        let bytes = try readBytes(path: path, bytesMax)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let index = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
            throw FileTextError(
                text: "found bytes that are not UTF-8 on line \(index + 1), expected UTF-8")
        }
        return NamedText(name: path, text: text)
    }

    /// Reads the bytes of the regular file at `path`, whatever they are: at most `bytesMax`. Blocks
    /// for as long as a disk does.
    /// - Throws: what is wrong with the file as a whole.
    package static func readBytes(
        path: String, _ bytesMax: Int = bytesMax
    ) throws(FileTextError) -> [UInt8] {
        // Before it is opened: to open a device may already do something.
        var status = stat()
        // The call fills `status`.
        guard unsafe stat(path, &status) == 0 else { throw FileTextError(cause: errno) }
        try refuseUnlessRegular(status)
        // Another file may lie there by now, which must not keep this thread either.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw FileTextError(cause: errno) }
        defer { _ = close(descriptor) }
        guard unsafe fstat(descriptor, &status) == 0 else { throw FileTextError(cause: errno) }
        try refuseUnlessRegular(status)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        // One byte more than allowed shows that there is too much; the text's own check refuses it.
        while bytes.count <= bytesMax {
            // The kernel writes at most `count` bytes, which the array has.
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count > 0 {
                bytes += buffer[..<count]
            } else if count == 0 {
                return bytes
            } else if errno != EINTR {
                throw FileTextError(cause: errno)
            }
        }
        throw FileTextError(
            text: "found more than \(bytesMax >> 20)MiB, expected at most \(bytesMax >> 20)MiB")
    }

    private static func refuseUnlessRegular(_ status: stat) throws(FileTextError) {
        let found: String
        switch status.st_mode & S_IFMT {
        case S_IFREG: return
        case S_IFDIR: found = "a folder"
        case S_IFIFO: found = "a pipe"
        case S_IFSOCK: found = "a socket"
        default: found = "a device"
        }
        throw FileTextError(text: "found \(found), expected a regular file")
    }
}

/// Why a file has no text for us.
package struct FileTextError: Error, Equatable, Sendable {
    /// What is wrong, and what to do.
    package let text: String

    /// For who reads a text as something and finds that it is none.
    package init(text: String) {
        self.text = text
    }

    fileprivate init(cause: CInt) {
        // glibc's strerror never returns null and, since 2.32, is safe to call from any thread.
        text = unsafe "cannot be read: \(String(cString: strerror(cause)))"
    }
}
