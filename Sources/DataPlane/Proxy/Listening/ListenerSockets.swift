// ListenerSockets: an address that is listened on, by a socket for each worker. The kernel spreads
// connections over them (SO_REUSEPORT).

package import Endpoints
package import Events

/// Why a listener could not be opened.
package struct ListenFailure: Error, Sendable {
    /// Where.
    package let endpoint: Endpoint
    /// What the system said.
    package let error: Errno
}

/// The sockets of one listener. Whoever opened them closes them, or hands them to the workers.
/// Value type, any thread.
package struct ListenerSockets: Sendable {
    /// Where they listen, with the port that the kernel chose for port 0.
    package let endpoint: Endpoint
    /// The sockets of each worker: one, but for sockets that came from another process.
    let descriptors: [[Descriptor]]

    /// Opens `count` (at least 1) of them. Connections wait in the kernel until they are accepted.
    ///
    /// SO_REUSEPORT would let a second Fairlead share the address and half of its traffic without a
    /// word, so it is first asked whether the address is free, unless `isShared`: when that is what
    /// is wanted, or when this process itself still has the address, or a part of it.
    ///
    /// Those of `inherited`, which listen there already, come first. More of them than workers are
    /// shared out, as each may have connections waiting. `limits` are those of the connections that
    /// come.
    ///
    /// - Throws: `ListenFailure` when the address can't be had; nothing stays open then.
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

    /// One more socket on `endpoint`. Beside one that another process opened without SO_REUSEPORT
    /// there can be none: then it is that one once more, and workers wake each other for nothing
    /// now and then.
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

    /// Closes those that no worker was given; connections that wait are reset.
    package func close() {
        for descriptor in descriptors.joined() { descriptor.close() }
    }
}
