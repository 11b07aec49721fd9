// ConfigurationOrigin: what a configuration is made of, so that it can be loaded again.

package import CertificateFiles
package import Configuration
package import Documents
internal import Glibc
internal import Machine

/// Everything that a configuration is made of, except fragments. Value type.
package struct ConfigurationOrigin: Sendable {
    /// The file's text. It is read once, so that an edit takes effect with a reload and not when
    /// something changes in Consul. Nil without a file, and for one that can't be read, which the
    /// loader reports.
    package var file: NamedText?
    /// The environment of the process.
    package var environment: [String: String] = [:]
    /// The flags.
    package var overrides = Overrides()

    /// Pages and files of users that are in use, and not read again; none where all are to be read.
    package var files = NamedFiles()

    /// Reads no file yet: `readAnew` does.
    package init(environment: [String: String] = [:], overrides: Overrides = Overrides()) {
        self.environment = environment
        self.overrides = overrides
    }

    /// The file that flags or environment name; nil for none.
    package var path: String? {
        overrides[.config].last
            ?? environment["FAIRLEAD_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// This origin with the file as it is now. Blocks; control thread only.
    package func readAnew() -> ConfigurationOrigin {
        var origin = self
        origin.files = NamedFiles()
        origin.file = path.flatMap { try? NamedText.read(path: $0) }
        return origin
    }

    /// Loads it with these fragments; `certificates` and `files` are not read again.
    package func load(
        _ fragments: [ConfigurationFragment],
        _ certificates: [CertificateSource: CertificateReading] = [:]
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        try ConfigurationLoader.load(
            file: file, environment: environment, overrides: overrides, fragments: fragments,
            processorCount: ProcessorAllowance.count(), findHost: { HostFinder.findOwn($0) },
            certificates: certificates, files: files)
    }
}

/// The environment of the process.
package func processEnvironment() -> [String: String] {
    var environment: [String: String] = [:]
    // environ is a zero-terminated array of zero-terminated strings; nothing here changes it.
    var entry = unsafe environ
    while let text = unsafe entry.pointee {
        let line = unsafe String(cString: text)
        if let equals = line.utf8.firstIndex(of: UInt8(ascii: "=")) {
            environment[String(line[..<equals])] = String(line[line.utf8.index(after: equals)...])
        }
        unsafe entry += 1
    }
    return environment
}
