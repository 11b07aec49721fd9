// Goal: what vanishes is noticed on every connection that is to be watched, the first ones
// included. Method: the kernel's own account of a connection that was made before anyone accepted
// it.

import Endpoints
import Events
import Glibc
import Testing

@Suite struct PeerWatchTests {
    private func option(_ level: Int32, _ name: Int32, of descriptor: Descriptor) -> Int32 {
        var value: Int32 = -1
        var length = socklen_t(4)
        unsafe _ = getsockopt(descriptor.number, level, name, &value, &length)
        return value
    }

    private func limits(of descriptor: Descriptor) -> [Int32] {
        let tcp = Int32(IPPROTO_TCP)
        return [
            option(SOL_SOCKET, SO_KEEPALIVE, of: descriptor),
            option(tcp, TCP_KEEPIDLE, of: descriptor),
            option(tcp, TCP_KEEPINTVL, of: descriptor),
            option(tcp, TCP_KEEPCNT, of: descriptor),
            option(tcp, TCP_USER_TIMEOUT, of: descriptor),
        ]
    }

    /// The limits of a connection that a socket with these has accepted; `late` ones are set when
    /// it is made already.
    private func accepted(_ limits: PeerLimits, late: PeerLimits? = nil) throws -> [Int32] {
        let listening = try Socket.listen(
            on: Endpoint(.loopback, 0), isShared: false, limits: limits)
        defer { listening.close() }
        let client = try Socket.connectStream(to: try #require(listening.localEndpoint))
        defer { client.close() }
        if let late { listening.setPeerLimits(late) }
        while true {
            guard case .connection(let connection, from: _) = listening.accept() else {
                usleep(1000)
                continue
            }
            defer { connection.close() }
            return self.limits(of: connection)
        }
    }

    @Test("a connection has the limits that its listening socket had when it was made")
    func inherited() throws {
        let limits = PeerLimits(vanished: .seconds(30), unacknowledged: .milliseconds(40_500))
        let expected: [Int32] = [1, 15, 5, 3, 40_500]
        #expect(try accepted(limits) == expected)
        #expect(try accepted(limits, late: PeerLimits()) == expected)
        let kernels = try accepted(PeerLimits())
        #expect(kernels[0] == 0 && kernels[4] == 0)
    }

    @Test(
        "times of any length come to something that the kernel takes",
        arguments: [
            (Duration.seconds(1), [1, 1, 1, 3, 0]), (.milliseconds(1), [1, 1, 1, 3, 0]),
            (.seconds(86_400), [1, 32_767, 10_922, 3, 0]),
        ])
    func range(vanished: Duration, expected: [Int32]) throws {
        #expect(try accepted(PeerLimits(vanished: vanished)) == expected)
    }

    @Test("limits are taken back")
    func takenBack() throws {
        let listening = try Socket.listen(
            on: Endpoint(.loopback, 0), isShared: false,
            limits: PeerLimits(vanished: .seconds(5), unacknowledged: .seconds(5)))
        defer { listening.close() }
        listening.setPeerLimits(PeerLimits())
        #expect(limits(of: listening)[0] == 0)
        #expect(limits(of: listening)[4] == 0)
    }
}
