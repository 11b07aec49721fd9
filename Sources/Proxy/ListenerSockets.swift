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

/// The sockets of one listener. Whoever opened them closes them, or hands them to the workers. Value
/// type, any thread.
package struct ListenerSockets: Sendable {
    /// Where they listen, with the port that the kernel chose for port 0.
    package let endpoint: Endpoint
    /// One for each worker.
    let descriptors: [Descriptor]

    /// Opens `count` (at least 1) of them. Connections wait in the kernel until they are accepted.
    ///
    /// SO_REUSEPORT would let a second Fairlead share the address and half of its traffic without a
    /// word, so the address is first asked for alone, unless `isShared`: when that is what is wanted,
    /// or when this process itself still has the address, or a part of it.
    ///
    /// - Throws: `ListenFailure` when the address can't be had; nothing stays open then.
    init(on asked: Endpoint, count: Int, isShared: Bool) throws(ListenFailure) {
        var sockets: [Descriptor] = []
        var endpoint = asked
        do throws(Errno) {
            if !isShared { try Socket.listen(on: endpoint, isShared: false).close() }
            for _ in 0..<count {
                let socket = try Socket.listen(on: endpoint)
                sockets.append(socket)
                endpoint.port = socket.localEndpoint?.port ?? endpoint.port
            }
        } catch {
            for socket in sockets { socket.close() }
            throw ListenFailure(endpoint: asked, error: error)
        }
        descriptors = sockets
        self.endpoint = sockets.first?.localEndpoint ?? endpoint
    }

    /// Closes those that no worker was given; connections that wait are reset.
    package func close() {
        for descriptor in descriptors { descriptor.close() }
    }
}
