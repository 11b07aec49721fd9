// Folders and files of one test, gone with it.

internal import FoundationEssentials
internal import Glibc

/// A new folder under /tmp that is removed, with the files in it, when the last reference goes.
final class TemporaryFolder: Sendable {
    private let root: String

    init() throws {
        var template = Array("/tmp/fairlead-flow-XXXXXX".utf8CString)
        // mkdtemp replaces the six Xs in place and keeps the length.
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer -> Bool in
            guard let base = buffer.baseAddress else { return false }
            return unsafe mkdtemp(base) != nil
        }
        guard made else { throw FlowError.system("mkdtemp") }
        root = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: root)
    }

    /// The path of `name` in this folder.
    func path(_ name: String) -> String {
        "\(root)/\(name)"
    }

    /// Writes a file and returns its path.
    @discardableResult
    func write(_ text: String, to name: String, mode: mode_t = 0o600) throws -> String {
        let path = path(name)
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw FlowError.system("open \(path)") }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard unsafe Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw FlowError.system("write \(path)")
        }
        return path
    }

    /// Makes `name` a symbolic link to `target`, in one step if there is something of that name.
    func link(_ name: String, to target: String) throws {
        let next = path(".next")
        guard unsafe symlink(target, next) == 0, unsafe rename(next, path(name)) == 0 else {
            throw FlowError.system("link \(path(name))")
        }
    }

    /// Makes a folder in it.
    func makeFolder(_ name: String) throws {
        guard unsafe mkdir(path(name), 0o700) == 0 else {
            throw FlowError.system("mkdir \(path(name))")
        }
    }

    /// Removes a file of it.
    func remove(_ name: String) throws {
        guard unsafe unlink(path(name)) == 0 else { throw FlowError.system("unlink \(path(name))") }
    }
}

/// The whole of a file, or nil when it cannot be opened.
func readFile(_ path: String) -> String? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe read(file, &chunk, chunk.count)
        guard count > 0 else { return String(decoding: text, as: UTF8.self) }
        text += chunk[..<count]
    }
}
