// TestSupportError: a failure of a test's equipment, as opposed to one of what it tests.

internal import Glibc

/// What a test reports when a part of its equipment could not do its work.
package struct TestSupportError: Error, CustomStringConvertible {
    /// What happened.
    package let description: String

    /// `description` says what happened.
    package init(_ description: String) {
        self.description = description
    }

    /// The error that `call` of the C library has just left in errno, in words.
    package static func system(_ call: String) -> TestSupportError {
        TestSupportError("\(call): \(unsafe String(cString: strerror(errno)))")
    }
}
