// ListenerSockets: the sockets that listen on one address, at least one for each worker. The kernel
// spreads connections over them (SO_REUSEPORT).

package import Endpoints
package import Events

/// Why a listener could not be opened.
package struct ListenFailure: Error, Sendable {
    /// The address.
    package let endpoint: Endpoint
    /// The error of the system call.
    package let error: Errno
}

/// The sockets of one listener. The code that opened them closes them, or hands them to the
/// workers. Value type, any thread.
package struct ListenerSockets: Sendable {
    /// The address they listen on, with the port that the kernel chose in place of port 0.
    package let endpoint: Endpoint
    /// The sockets of each worker: one, or more when some came from another process.
    let descriptors: [[Descriptor]]

    /// Opens `count` (at least 1) sockets. Connections wait in the kernel until they are accepted.
    ///
    /// SO_REUSEPORT would silently let a second Fairlead take the address and half of the traffic.
    /// So this first tests whether the address is free, unless `isShared`: where sharing is
    /// intended, or where this process itself still has the address, or a part of it.
    ///
    /// The sockets in `inherited`, which listen on the address already, come first. If there are
    /// more of them than workers, some workers get several, as each may have connections waiting.
    /// `limits` apply to the connections that come.
    ///
    /// - Throws: `ListenFailure` when the address can't be used; nothing stays open then.
    init(
        on asked: Endpoint, count: Int, isShared: Bool, limits: PeerLimits,
        inherited: [Descriptor] = []
    ) throws(ListenFailure) {
        var sockets = inherited
        for socket in inherited { socket.setPeerLimits(limits) }
        var endpoint = asked
        do throws(Errno) {
            if !isShared, inherited.isEmpty { try Socket.checkFree(endpoint) }
            while sockets.count < count {
                let socket = try Self.another(on: endpoint, limits, inherited.first)
                sockets.append(socket)
                endpoint.port = socket.localEndpoint?.port ?? endpoint.port
            }
        } catch {
            for socket in sockets { socket.close() }
            throw ListenFailure(endpoint: asked, error: error)
        }
        descriptors = (0..<count).map { worker in
            stride(from: worker, to: sockets.count, by: count).map { sockets[$0] }
        }
        self.endpoint = sockets.first?.localEndpoint ?? endpoint
    }

    /// One more socket on `endpoint`. If another process opened the first one without SO_REUSEPORT
    /// there can't be another: then the result is a duplicate of it, and workers sometimes wake up
    /// for nothing.
    private static func another(
        on endpoint: Endpoint, _ limits: PeerLimits, _ inherited: Descriptor?
    ) throws(Errno) -> Descriptor {
        do throws(Errno) {
            return try Socket.listen(on: endpoint, limits: limits)
        } catch {
            guard let inherited else { throw error }
            return try Socket.duplicate(inherited)
        }
    }

    /// Closes the sockets, which no worker was given; connections that wait are reset.
    package func close() {
        for descriptor in descriptors.joined() { descriptor.close() }
    }
}
