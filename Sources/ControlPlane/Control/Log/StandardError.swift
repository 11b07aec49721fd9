// StandardError: writes to the process's own outputs.

internal import Glibc

/// Writes a line to standard error.
package func printError(_ line: String) {
    writeAll(STDERR_FILENO, line + "\n")
}

/// Writes all of `text` to an open descriptor, waiting if need be; what can't be written is lost.
package func writeAll(_ descriptor: Int32, _ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        // The buffer is valid during the call.
        let count = unsafe rest.withUnsafeBytes {
            unsafe write(descriptor, $0.baseAddress, $0.count)
        }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
