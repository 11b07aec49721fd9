// RealAgent: a `consul agent -dev` of the machine's own, for the tests that ask whether the
// stand-in, and what stands on it, are right about Consul.

import Endpoints
import Events
import Glibc
import Locking
import TestSupport

@testable import Consul

/// A Consul agent in development mode: one server, all in memory. Killed by `stop()`.
final class RealAgent {
    /// The program: what CONSUL_BIN names, or else the first `consul` on PATH; nil without one,
    /// which is said once, so that a run shows what it did not test.
    static let program: String? = {
        var candidates: [String] = []
        if let named = unsafe getenv("CONSUL_BIN") {
            candidates.append(unsafe String(cString: named))
        } else if let path = unsafe getenv("PATH") {
            candidates = unsafe String(cString: path).split(separator: ":").map { "\($0)/consul" }
        }
        let found = candidates.first { unsafe access($0, X_OK) == 0 }
        if found == nil {
            print("there is no consul on PATH nor by CONSUL_BIN: nothing is tested with a real one")
        }
        return found
    }()

    let target: Target
    /// The agent's Unix-domain socket.
    let unixTarget: Target
    private let path = "/tmp/fairlead-consul-\(UInt32.random(in: 0 ... .max)).sock"
    private let process = SpawnedProcess()

    /// With further configuration in Consul's own language.
    init(_ configuration: String = "") throws {
        guard let program = Self.program else { throw TestSupportError("there is no consul") }
        // Held until all are known, so that they differ.
        let sockets = try (0..<4).map { _ in
            try Socket.listen(on: Endpoint(.loopback, 0), isShared: false)
        }
        let ports = sockets.map { $0.localEndpoint?.port ?? 0 }
        for socket in sockets { socket.close() }
        target = .endpoint(Endpoint(.loopback, ports[0]))
        unixTarget = .unix(path)
        try process.start([
            "setpriv", "--pdeathsig", "KILL", "--", program, "agent", "-dev", "-log-level=err",
            "-node=real", "-bind=127.0.0.1", "-dns-port=-1", "-grpc-port=-1",
            "-http-port=\(ports[0])", "-server-port=\(ports[1])", "-serf-lan-port=\(ports[2])",
            "-serf-wan-port=\(ports[3])",
            "-hcl=addresses { http = \"127.0.0.1 unix://\(path)\" }", "-hcl=\(configuration)",
        ])
    }

    func stop() {
        process.kill()
        unsafe unlink(path)
    }
}

/// A child process with a thread of its own, which spawns it and waits for its end: the kernel
/// kills the child when that thread ends, so a test run that crashes leaves nothing behind.
private final class SpawnedProcess: Sendable {
    private enum Life: Sendable {
        case starting
        case running(pid_t)
        case ended
    }

    private let life = Locked(Life.starting)

    func start(_ command: [String]) throws {
        try startThread { [life] in
            var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
            defer { unsafe arguments.forEach { unsafe free($0) } }
            var pid = pid_t()
            // What it says of the requests that are meant to fail is of no interest.
            var actions = unsafe posix_spawn_file_actions_t()
            unsafe posix_spawn_file_actions_init(&actions)
            defer { unsafe _ = posix_spawn_file_actions_destroy(&actions) }
            for output in [STDOUT_FILENO, STDERR_FILENO] {
                unsafe _ = posix_spawn_file_actions_addopen(
                    &actions, output, "/dev/null", O_WRONLY, 0)
            }
            let error = unsafe posix_spawnp(&pid, command[0], &actions, nil, &arguments, environ)
            life.withLock { $0 = error == 0 ? .running(pid) : .ended }
            guard error == 0 else { return }
            // Looked at first and reaped under the lock: an id is not signalled that is given away.
            var information = unsafe siginfo_t()
            while unsafe waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0,
                errno == EINTR
            {}
            life.withLock {
                _ = waitpid(pid, nil, 0)
                $0 = .ended
            }
        }
        try waitUntil("the agent is started") {
            if case .starting = life.withLock({ $0 }) { false } else { true }
        }
    }

    /// Ends it and waits for that.
    func kill() {
        life.withLock { if case .running(let pid) = $0 { _ = Glibc.kill(pid, SIGKILL) } }
        try? waitUntil("the agent has ended") {
            if case .ended = life.withLock({ $0 }) { true } else { false }
        }
    }
}
