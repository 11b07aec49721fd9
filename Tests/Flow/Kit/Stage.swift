// The cast of one test: every server it starts is held here to the end of the test, and gone after
// it. (Swift releases an object after its last mention, and a released server is a killed one.)

/// Starts and holds the servers of one test. One thread.
final class Stage {
    private var held: [AnyObject] = []

    /// Keeps `server` for the length of the test, and returns it.
    func hold<Server: AnyObject>(_ server: Server) -> Server {
        held.append(server)
        return server
    }

    /// nginx instances that answer with their names.
    func web(_ names: String...) throws -> [Nginx] {
        try names.map { hold(try Nginx($0)) }
    }

    /// A name server whose service has these instances.
    func named(_ records: [SRVRecord]) throws -> Named {
        hold(try Named(records))
    }

    /// Fairlead, once its admin port answers, with one worker and one listener.
    func fairlead(
        _ flags: [String], environment: [String: String] = [:]
    ) throws -> Fairlead {
        hold(try Fairlead(flags, environment: environment))
    }

    /// Fairlead on the service of a name server, once it shows `up` backends up.
    func fairlead(following dnsPort: UInt16, up: Int) throws -> Fairlead {
        let fairlead = try fairlead([
            "--service", SRVRecord.service, "--dns", "127.0.0.1:\(dnsPort)",
        ])
        try fairlead.waitForBackends(up: up)
        return fairlead
    }

    /// Fairlead on a fixed list of backends, once all are up.
    func fairlead(over ports: [UInt16], flags: [String] = []) throws -> Fairlead {
        let fairlead = try fairlead(flags + ports.flatMap { ["--backend", "127.0.0.1:\($0)"] })
        try fairlead.waitForBackends(up: ports.count)
        return fairlead
    }
}

/// Runs a test that lasts on a stage, and waits without holding a thread.
func withStage(_ test: (Stage) async throws -> Void) async throws {
    let stage = Stage()
    defer { withExtendedLifetime(stage) {} }
    try await test(stage)
}

/// Runs a test with a stage and clears the stage afterwards.
func withStage(_ test: (Stage) throws -> Void) throws {
    let stage = Stage()
    defer { withExtendedLifetime(stage) {} }
    try test(stage)
}
