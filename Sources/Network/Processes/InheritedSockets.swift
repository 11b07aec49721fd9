// InheritedSockets: listening sockets that were open before this process was: those that a service
// manager opened for it (sd_listen_fds(3)), or those of the process that it takes over from.
// Nothing that has connected to them gets lost, since they are never closed in between.

package import Endpoints
package import Events

/// Why a process can't use what it was given, as a sentence for the operator.
package struct InheritanceFailure: Error, Equatable, CustomStringConvertible {
    /// What was found, and what was expected.
    package let description: String
}

/// Listening sockets that the process was given. Start of the process, before there are threads.
package struct InheritedSockets {
    /// Sockets that nobody has taken yet, and where they listen.
    package private(set) var remaining: [(endpoint: Endpoint, descriptor: Descriptor)] = []

    /// None.
    package init() {}

    /// The sockets with these numbers.
    ///
    /// - Throws: for a number that is not a listening TCP socket.
    package init(_ numbers: some Sequence<Int32>) throws(InheritanceFailure) {
        for number in numbers {
            do throws(Errno) {
                let descriptor = try Socket.adoptListening(number)
                guard let endpoint = descriptor.localEndpoint else { continue }
                remaining.append((endpoint, descriptor))
            } catch {
                throw InheritanceFailure(
                    description: "was given descriptor \(number), expected a listening TCP socket: "
                        + "\(error)")
            }
        }
    }

    /// The first number that a service manager gives, whatever it gives.
    private static let firstNumber: Int32 = 3
    /// More than a proxy could listen on; a larger number is a mistake.
    private static let countMax: Int32 = 4096

    /// The sockets that a service manager opened for this process, whose number is `process`. Takes
    /// the variables out of `environment`, since they are not meant for children.
    ///
    /// - Throws: for variables that make no sense, and for what is not a listening TCP socket.
    package static func fromServiceManager(
        _ environment: inout [String: String], process: Int32
    ) throws(InheritanceFailure) -> InheritedSockets {
        let values = ["LISTEN_PID", "LISTEN_FDS"].map { environment[$0] }
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"] {
            environment[name] = nil
        }
        // Meant for another process: a parent that did not take them out.
        guard let listenFDs = values[1], values[0].flatMap(Int32.init) == process else {
            return InheritedSockets()
        }
        guard let count = Int32(listenFDs), (0...countMax).contains(count) else {
            throw InheritanceFailure(
                description: "found LISTEN_FDS=\(listenFDs), expected a number from 0 to "
                    + "\(countMax): sockets that a service manager has opened")
        }
        return try InheritedSockets(firstNumber..<firstNumber + count)
    }

    /// Takes those that listen on `endpoint`; both wildcards are one, as for `Socket.listen`. Their
    /// order is that in which they were given.
    package mutating func take(_ endpoint: Endpoint) -> [Descriptor] {
        let taken = remaining.filter { Self.isSame($0.endpoint, endpoint) }
        remaining.removeAll { Self.isSame($0.endpoint, endpoint) }
        return taken.map(\.descriptor)
    }

    private static func isSame(_ one: Endpoint, _ other: Endpoint) -> Bool {
        one == other
            || one.port == other.port && one.address.isWildcard && other.address.isWildcard
    }

    /// Closes those that nobody has taken.
    package mutating func closeRemaining() {
        for socket in remaining { socket.descriptor.close() }
        remaining = []
    }
}
