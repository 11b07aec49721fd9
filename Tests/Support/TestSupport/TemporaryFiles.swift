// TemporaryFiles: files that a configuration names, gone with the test.

internal import Glibc

/// A directory with files in it.
package final class TemporaryFiles {
    private let directory: String
    private var names: Set<String> = []

    /// - Throws: `TestSupportError` when no directory can be made.
    package init() throws {
        var template = Array("/tmp/fairlead-files-XXXXXX".utf8CString)
        // mkdtemp writes the name into the template.
        guard
            let name = unsafe template.withUnsafeMutableBufferPointer({
                unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) }.map {
                    unsafe String(cString: $0)
                }
            })
        else { throw TestSupportError.system("mkdtemp") }
        directory = name
    }

    deinit {
        for name in names { unsafe unlink(path(name)) }
        unsafe rmdir(directory)
    }

    /// Where a file of this name is, or would be.
    package func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// Writes a file, and returns its path.
    ///
    /// - Throws: `TestSupportError` when it can't be written.
    @discardableResult
    package func write(_ name: String, _ text: String) throws -> String {
        names.insert(name)
        let file = unsafe open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard file >= 0 else { throw TestSupportError.system("open") }
        defer { close(file) }
        let bytes = Array(text.utf8)
        // The kernel reads as many bytes as the array has.
        guard unsafe Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw TestSupportError.system("write")
        }
        return path(name)
    }

    /// Removes a file.
    package func remove(_ name: String) { unsafe _ = unlink(path(name)) }
}
