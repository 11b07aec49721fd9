// Goal: what a process was given is taken up, or refused with a reason; never misread. Method: real
// sockets of this process under the numbers that they have.

import Endpoints
import Events
import Processes
import Testing

@Suite struct InheritedSocketsTests {
    @Test("sockets are taken by where they listen, in the order in which they were given")
    func byEndpoint() throws {
        let first = try Socket.listen(on: Endpoint(.loopback, 0))
        let endpoint = try #require(first.localEndpoint)
        let second = try Socket.listen(on: endpoint)
        let any = try Socket.listen(on: Endpoint(.any, 0))
        let port = try #require(any.localEndpoint).port
        var sockets = try InheritedSockets([first.number, any.number, second.number])

        #expect(sockets.take(Endpoint(.loopback, port)) == [])
        #expect(sockets.take(endpoint) == [first, second])
        #expect(sockets.take(endpoint) == [])
        // Whether it is IPv6 that has IPv4 as well, or IPv4 alone, is up to the process that opened
        // it.
        #expect(sockets.take(Endpoint(.v4(0), port)) == [any])
        #expect(sockets.remaining.isEmpty)
        for descriptor in [first, second, any] { descriptor.close() }
    }

    @Test("a descriptor that is no listening TCP socket is refused by its number")
    func refused() throws {
        let (one, other) = try Socket.pair()
        let datagram = try Socket.bindDatagram(to: Endpoint(.loopback, 0))
        for descriptor in [one, datagram] {
            let failure = #expect(throws: InheritanceFailure.self) {
                try InheritedSockets([descriptor.number])
            }
            #expect(
                failure?.description.hasPrefix(
                    "was given descriptor \(descriptor.number), expected a listening TCP socket")
                    == true)
        }
        for descriptor in [one, other, datagram] { descriptor.close() }
        #expect(throws: InheritanceFailure.self) { try InheritedSockets([-1]) }
    }

    @Test("a service manager's variables count for the process that they name, and are taken out")
    func serviceManager() throws {
        var foreign = ["LISTEN_PID": "7", "LISTEN_FDS": "2", "PATH": "/bin"]
        #expect(
            try InheritedSockets.fromServiceManager(&foreign, process: 8).remaining.isEmpty)
        #expect(foreign == ["PATH": "/bin"])
        var none = ["LISTEN_PID": "8", "LISTEN_FDS": "0"]
        #expect(try InheritedSockets.fromServiceManager(&none, process: 8).remaining.isEmpty)
        for count in ["-1", "many", "5000"] {
            var bad = ["LISTEN_PID": "8", "LISTEN_FDS": count]
            #expect(throws: InheritanceFailure.self) {
                try InheritedSockets.fromServiceManager(&bad, process: 8)
            }
        }
    }

    @Test("an operator who sets the variable of a handover gets a message")
    func variable() throws {
        for text in ["", "x", "3", "3:4:5", "x:3", "3:x", "99999:", "3:99999"] {
            var environment = ["FAIRLEAD_TAKES_OVER": text]
            #expect(throws: InheritanceFailure.self) { try Predecessor.take(from: &environment) }
        }
        var unset = ["PATH": "/bin"]
        let none = try Predecessor.take(from: &unset)
        #expect(none == nil)
    }
}
