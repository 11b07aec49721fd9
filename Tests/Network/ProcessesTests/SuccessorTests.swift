// Goal: a successor that serves is heard of, and one that does not leaves a reason. Method: shells
// in the place of the new program.

import Endpoints
import Events
import Glibc
import Processes
import TestSupport
import Testing

@Suite struct SuccessorTests {
    private let loop = EventLoop()

    /// What comes of a shell that runs `script`.
    private func outcome(
        _ script: String, sockets: [Descriptor] = [], limit: Duration = safetyLimit
    ) throws -> Successor.Outcome {
        var outcome: Successor.Outcome?
        let successor = try Successor(
            path: "/bin/bash", arguments: ["bash", "-c", script],
            environment: ["PATH": "/usr/bin:/bin", "WATCHDOG_PID": "1"], sockets: sockets,
            limit: limit, on: loop
        ) { outcome = $0 }
        while outcome == nil { loop.runOnce(waiting: true) }
        defer { withExtendedLifetime(successor) {} }
        // One that serves outlives this process; here it is not to be left behind: a child that
        // nobody waits for keeps the testing library from seeing the end of its own.
        if outcome == .serves {
            while waitpid(successor.process, nil, 0) == -1, errno == EINTR {}
        }
        return try #require(outcome)
    }

    @Test("a process that reports serves")
    func serves() throws {
        let report = #"printf x >&"${FAIRLEAD_TAKES_OVER%%:*}""#
        #expect(try outcome(report) == .serves)
        // What is of the old process is not passed on.
        #expect(try outcome(#"[ -z "$WATCHDOG_PID" ] && "# + report) == .serves)
    }

    @Test("it has the sockets, under the numbers that it is given, and nothing else")
    func sockets() throws {
        let socket = try Socket.listen(on: Endpoint(.loopback, 0))
        let hidden = try Socket.listen(on: Endpoint(.loopback, 0))
        let script = """
            [ -e "/proc/self/fd/${FAIRLEAD_TAKES_OVER##*:}" ] || exit 1
            [ "${FAIRLEAD_TAKES_OVER##*:}" = \(socket.number) ] || exit 2
            [ -e /proc/self/fd/\(hidden.number) ] && exit 3
            printf x >&"${FAIRLEAD_TAKES_OVER%%:*}"
            """
        #expect(try outcome(script, sockets: [socket]) == .serves)
        #expect(try Socket.adoptListening(socket.number) == socket, "it stays open here")
        socket.close()
        hidden.close()
    }

    @Test("one that ends, is killed, or closes its line has failed, and how")
    func fails() throws {
        #expect(
            try outcome("exit 3")
                == .failed("ended with status 3 before it served; what it printed says why"))
        #expect(
            try outcome("kill -TERM $$; sleep 60")
                == .failed("was ended by signal 15 before it served; what it printed says why"))
    }

    @Test("a process that takes too long is killed")
    func late() throws {
        let outcome = try outcome("exec sleep 600", limit: .milliseconds(50))
        guard case .failed(let why) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(why.hasPrefix("did not serve within"))
    }

    @Test("a program that is not there can't be started")
    func missing() {
        #expect(throws: Errno.self) {
            _ = try Successor(
                path: "/nowhere/fairlead", arguments: ["fairlead"], environment: [:], sockets: [],
                limit: safetyLimit, on: loop
            ) { _ in }
        }
    }
}
