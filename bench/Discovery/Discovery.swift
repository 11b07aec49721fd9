// fairlead-bench-discovery: many names with many records each, one nameserver that goes away and
// comes back. Shows that the queries are spread evenly, that none beyond the limit are sent when
// the server returns, how soon everything is fresh again, and what it costs in memory and CPU.
//
// The server is a process of its own (`--serve`), so that the figures are the resolver's alone.

import ArgumentParser
import DNSClient
import DNSWire
import Endpoints
import Events
import Glibc
import InstanceSources

@main
struct DiscoveryBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fairlead-bench-discovery",
        abstract: "Follow many names through an outage of their nameserver.")

    @Option(help: "Names that are followed.")
    var names = 10_000
    @Option(help: "SRV records of each name, at most 1500.")
    var records = 100
    @Option(help: "TTL of the records, in seconds.")
    var ttl = 5
    @Option(help: "Queries per second at most.")
    var rate = 1000
    @Option(help: "Seconds before the outage.")
    var before = 40
    @Option(help: "Seconds of the outage.")
    var outage = 20
    @Option(help: "Seconds after the outage.")
    var after = 40
    @Option(help: ArgumentHelp("Be the nameserver on this port.", visibility: .private))
    var serve: UInt16?

    func validate() throws {
        guard names > 0, (1...1500).contains(records), (0...3600).contains(ttl), rate > 0,
            before > 0, outage >= 0, after >= 0
        else { throw ValidationError("expected positive numbers, and at most 1500 records") }
    }

    func run() throws {
        let loop = EventLoop()
        if let serve {
            let server = try NameServer(
                on: Endpoint(.loopback, serve), records: records, ttlSeconds: UInt32(ttl), loop)
            loop.run()
            server.close()
            return
        }
        let port = try freePort()
        let child = try spawnServer(port)
        defer {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
        }
        var options = ResolverOptions(servers: [Endpoint(.loopback, port)])
        options.queriesPerSecond = rate
        let watch = try Watch(names: names, options, on: loop)
        watch.waitForServer()
        print(
            """
            \(names) names of \(records) records, TTL \(ttl) s, at most \(rate) queries/s; \
            away from second \(before) to \(before + outage)
            """)
        watch.run(before: before, outage: outage, after: after)
    }

    /// A port that is free for UDP and TCP now.
    private func freePort() throws -> UInt16 {
        let datagrams = try Socket.bindDatagram(to: Endpoint(.loopback, 0))
        defer { datagrams.close() }
        return datagrams.localEndpoint?.port ?? 0
    }

    private func spawnServer(_ port: UInt16) throws -> pid_t {
        let arguments = [
            "/proc/self/exe", "--serve", "\(port)", "--records", "\(records)", "--ttl", "\(ttl)",
        ]
        var pid: pid_t = 0
        // The vector ends in a null pointer and outlives the call, which copies it.
        var pointers = unsafe arguments.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        let failure = unsafe posix_spawn(&pid, arguments[0], nil, nil, pointers, environ)
        guard failure == 0 else { throw ValidationError("cannot start the nameserver") }
        return pid
    }
}
