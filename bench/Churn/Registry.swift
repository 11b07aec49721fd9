// Registry: where proxies learn which instances there are. One file for each kind.

/// How proxies find instances.
enum Discovery: String, Codable, CaseIterable, Sendable {
    /// BIND's `named`, whose zone is changed by `nsupdate`: SRV records with a TTL of 0.
    case named
    /// A Consul agent with HTTP checks every second.
    case consul

    /// The name whose SRV records are the instances.
    var service: String { "_web._tcp.\(domain)" }
    /// The name whose A records are the instances' addresses.
    var host: String { self == .named ? "web.\(domain)" : "web.service.consul" }
    /// What follows `_web._tcp.`.
    var domain: String { self == .named ? NamedRegistry.zone : "service.consul" }
}

/// A running registry, and what it says. Main thread only.
protocol Registry: AnyObject {
    /// Where it answers DNS.
    var dnsPort: UInt16 { get }
    /// Starts it without any instance; returns when it answers.
    func start() throws
    /// Ends it.
    func stop()
    /// Adds instances; returns when it tells of them: of those that it checks, when they pass. The
    /// result is a time before that by milliseconds: no proxy can have known of them earlier.
    @discardableResult
    func register(_ instances: [Instance]) throws -> UInt64
    /// Takes one off the list.
    func deregister(_ instance: Instance) throws
    /// Puts `newcomers` in the place of `leavers`: in one change where the registry can, else the
    /// newcomers first. Returns as `register` does.
    func replace(_ leavers: [Instance], by newcomers: [Instance]) throws -> UInt64
}
