// OptionTable+Start: which options are read when the process starts and never again: threads,
// sockets and clients of registries are made of them once. All others may change while it runs.

extension OptionTable {
    /// Whether the option, or group of options, with this key of the top level is read at the start
    /// alone. ConfigurationChange refuses what differs in these.
    static func isReadAtStart(_ key: String) -> Bool {
        startGroups.contains(String(key.prefix { $0 != "." }))
    }

    private static let startGroups: Set<String> = [
        "workers", "pin-workers", "user", "state-file", "share-addresses", "admin", "statsd",
        "access-log", "dns", "consul", "docker", "acme",
    ]
}
