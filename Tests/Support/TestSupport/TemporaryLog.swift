// TemporaryLog: a file to log to, gone with the test.

internal import Glibc

/// A directory with a log file in it.
package final class TemporaryLog {
    private let directory: String
    /// Where the log is, once something made it.
    package let path: String

    /// - Throws: `TestSupportError` when no directory can be made.
    package init() throws {
        var template = Array("/tmp/fairlead-log-XXXXXX".utf8CString)
        // mkdtemp writes the name into the template.
        guard
            let name = unsafe template.withUnsafeMutableBufferPointer({
                unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) }.map {
                    unsafe String(cString: $0)
                }
            })
        else { throw TestSupportError.system("mkdtemp") }
        directory = name
        path = "\(name)/access.log"
    }

    deinit {
        for name in ["access.log", "access.log.1"] { unsafe unlink("\(directory)/\(name)") }
        unsafe rmdir(directory)
    }

    /// Renames the file, as logrotate does.
    package func rotate() { unsafe _ = rename(path, path + ".1") }

    /// What was written so far, or to the file that was renamed.
    ///
    /// - Throws: `TestSupportError` when there is no such file.
    package func bytes(rotated: Bool = false) throws -> [UInt8] {
        let file = unsafe open(rotated ? path + ".1" : path, O_RDONLY)
        guard file >= 0 else { throw TestSupportError.system("open") }
        defer { close(file) }
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            // The kernel writes at most `count` bytes into the array.
            let count = unsafe read(file, &chunk, chunk.count)
            guard count > 0 else { return all }
            all += chunk[..<count]
        }
    }
}
