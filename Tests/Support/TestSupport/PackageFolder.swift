// Where the files of the package are, for tests that read them.

/// The folder of Package.swift.
package enum PackageFolder {
    /// Its absolute path, without a slash at the end.
    package static let path =
        "/"
        + #filePath.split(separator: "/").prefix { $0 != "Tests" }.joined(separator: "/")
}
