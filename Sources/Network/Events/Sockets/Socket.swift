// Socket: making, binding, connecting and accepting, each with the options that a proxy wants.

internal import CLinux
package import Endpoints
internal import Glibc

/// Makes sockets. Any thread.
package enum Socket {
    /// A listening TCP socket on `endpoint`; port 0 lets the kernel choose.
    ///
    /// When `isShared`, SO_REUSEPORT lets every worker have a listener of its own on the address,
    /// among which the kernel spreads connections; it also lets another process of the same user
    /// listen there unnoticed. Accepted sockets inherit TCP_NODELAY. The wildcard `::` takes IPv4
    /// too, and falls back to 0.0.0.0 on a machine without IPv6.
    ///
    /// - Parameter limits: those of the connections that it will accept, the first one included:
    ///   the kernel makes a connection, with the limits of that moment, before anyone accepts it.
    /// - Throws: `Errno`: address in use, not local, or not permitted.
    package static func listen(
        on endpoint: Endpoint, backlog: Int32 = 4096, isShared: Bool = true,
        limits: PeerLimits = PeerLimits()
    ) throws(Errno) -> Descriptor {
        let descriptor = try bound(to: endpoint, isShared: isShared)
        if limits != PeerLimits() { descriptor.setPeerLimits(limits) }
        guard Glibc.listen(descriptor.number, backlog) == 0 else {
            let error = Errno.current
            descriptor.close()
            throw error
        }
        return descriptor
    }

    /// Finds out whether `listen` would have `endpoint` for itself. It does not listen for that:
    /// who connected in that moment would be reset.
    ///
    /// - Throws: `Errno`, as `listen`; `addressInUse` also when what listens there would share it.
    package static func checkFree(_ endpoint: Endpoint) throws(Errno) {
        try bound(to: endpoint, isShared: false).close()
    }

    private static func bound(to endpoint: Endpoint, isShared: Bool) throws(Errno) -> Descriptor {
        let descriptor: Descriptor
        do throws(Errno) {
            descriptor = try open(endpoint.family, SOCK_STREAM)
        } catch {
            guard endpoint.address == .any, error == .familyNotSupported else { throw error }
            return try bound(to: Endpoint(.v4(0), endpoint.port), isShared: isShared)
        }
        descriptor.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
        if isShared { descriptor.setOption(SOL_SOCKET, SO_REUSEPORT, 1) }
        descriptor.setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        if endpoint.family == AF_INET6 { descriptor.setOption(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        do throws(Errno) {
            try bind(descriptor, endpoint)
        } catch {
            descriptor.close()
            throw error
        }
        return descriptor
    }

    /// A UDP socket bound to `endpoint`; port 0 lets the kernel choose.
    ///
    /// - Throws: `Errno`, as `listen`.
    package static func bindDatagram(to endpoint: Endpoint) throws(Errno) -> Descriptor {
        let descriptor = try open(endpoint.family, SOCK_DGRAM)
        do throws(Errno) {
            try bind(descriptor, endpoint)
        } catch {
            descriptor.close()
            throw error
        }
        return descriptor
    }

    /// A UDP socket that exchanges datagrams with `endpoint` alone, from a port that the kernel
    /// picks at random: answers from elsewhere never reach us.
    ///
    /// - Throws: `Errno`: no route, no descriptor.
    package static func connectDatagram(to endpoint: Endpoint) throws(Errno) -> Descriptor {
        try connect(open(endpoint.family, SOCK_DGRAM), to: endpoint)
    }

    /// A TCP socket that is connecting to `endpoint`, or connected already. Wait for writability,
    /// then ask `connectError()`.
    ///
    /// - Parameter end: numbers that its descriptor may have end here; that all below are in use is
    ///   `tooManyDescriptors` then, and nothing is sent.
    /// - Throws: `Errno` when it failed at once: refused, no route, no descriptor, no local port.
    package static func connectStream(
        to endpoint: Endpoint, below end: Int32 = .max
    ) throws(Errno) -> Descriptor {
        let descriptor = try open(endpoint.family, SOCK_STREAM)
        guard descriptor.number < end else {
            descriptor.close()
            throw Errno.tooManyDescriptors.counted
        }
        descriptor.setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        return try connect(descriptor, to: endpoint)
    }

    /// A stream socket that is connected to what listens at `path`, a Unix-domain socket. Wait for
    /// writability all the same, so that both kinds of `connectStream` are used alike.
    ///
    /// - Throws: `Errno` when there is no connection: nobody listens, no such path, not permitted,
    ///   a path that is empty or longer than a socket's may be (`ENAMETOOLONG`). A listener whose
    ///   queue is full is `EAGAIN` here, where TCP would wait (unix(7)).
    package static func connectStream(toPath path: String) throws(Errno) -> Descriptor {
        try connect(SOCK_STREAM, toPath: path)
    }

    /// A datagram socket whose datagrams go to what listens at `path`, a Unix-domain socket, or one
    /// of the abstract namespace when it begins with `@`.
    ///
    /// - Throws: `Errno`: nobody listens there, not permitted, a path that can't be one.
    package static func connectDatagram(toPath path: String) throws(Errno) -> Descriptor {
        try connect(SOCK_DGRAM, toPath: path)
    }

    /// `connectStream` for either kind of target.
    ///
    /// - Throws: `Errno`, as the two above.
    package static func connectStream(to target: Target) throws(Errno) -> Descriptor {
        switch target {
        case .endpoint(let endpoint): try connectStream(to: endpoint)
        case .unix(let path): try connectStream(toPath: path)
        }
    }

    private static func open(_ family: Int32, _ type: __socket_type) throws(Errno) -> Descriptor {
        let flags = type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let number = socket(family, Int32(bitPattern: flags), 0)
        guard number >= 0 else { throw Errno.current.counted }
        return Descriptor(number: number)
    }

    private static func bind(_ descriptor: Descriptor, _ endpoint: Endpoint) throws(Errno) {
        let result = unsafe endpoint.withSocketAddress {
            unsafe Glibc.bind(descriptor.number, $0, $1)
        }
        guard result == 0 else { throw .current }
    }

    private static func connect(_ descriptor: Descriptor, to endpoint: Endpoint) throws(Errno)
        -> Descriptor
    {
        let result = unsafe endpoint.withSocketAddress {
            unsafe Glibc.connect(descriptor.number, $0, $1)
        }
        do throws(Errno) {
            return try connected(descriptor, result)
        } catch {
            throw meaning(of: error, to: endpoint).counted
        }
    }

    /// What a failed connect(2) to an IP endpoint says. EAGAIN is a local port that could not be
    /// had, as EADDRNOTAVAIL is, and that is also the kernel's word for a machine without an
    /// address of the endpoint's family, as a container without IPv6 is to `::1`: there no port
    /// would help, and the endpoint can't be reached from here. A datagram socket tells the two
    /// apart, since it has ports of its own.
    private static func meaning(of error: Errno, to endpoint: Endpoint) -> Errno {
        if error.isWouldBlock { return .noLocalPort }
        guard error == .noLocalPort, endpoint.family == AF_INET6,
            let probe = try? open(endpoint.family, SOCK_DGRAM)
        else { return error }
        defer { probe.close() }
        let result = unsafe endpoint.withSocketAddress {
            unsafe Glibc.connect(probe.number, $0, $1)
        }
        return result != 0 && Errno.current == .noLocalPort ? .networkUnreachable : error
    }

    private static func connect(
        _ type: __socket_type, toPath path: String
    ) throws(Errno) -> Descriptor {
        let address = try UnixSocketAddress(path)
        let descriptor = try open(AF_UNIX, type)
        let result = unsafe address.withSocketAddress {
            unsafe Glibc.connect(descriptor.number, $0, $1)
        }
        return try connected(descriptor, result)
    }

    /// What a call of connect(2) that has just returned `result` came to.
    private static func connected(
        _ descriptor: Descriptor, _ result: Int32
    ) throws(Errno) -> Descriptor {
        if result != 0 {
            let error = Errno.current
            guard error.rawValue == EINPROGRESS else {
                descriptor.close()
                throw error
            }
        }
        return descriptor
    }
}

extension Descriptor {
    /// What `accept()` came to.
    package enum Accepted {
        /// A connection and where it comes from.
        case connection(Descriptor, from: Endpoint)
        /// No connection is waiting.
        case wouldBlock
        /// None could be had: most often the process or the system has no descriptor left.
        case failed(Errno)
    }

    /// Takes one waiting connection of this listening socket.
    package func accept() -> Accepted {
        while true {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            // The kernel writes at most `length` bytes of address.
            let accepted = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
                unsafe accept4(
                    number, UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                    &length, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
            }
            if accepted >= 0 {
                let peer = Endpoint(storage) ?? Endpoint(.any, 0)
                return .connection(Descriptor(number: accepted), from: peer)
            }
            let error = Errno.current
            // A connection that was gone before we took it is not the listener's trouble.
            if error.rawValue == EINTR || error.rawValue == ECONNABORTED { continue }
            return error.isWouldBlock ? .wouldBlock : .failed(error.counted)
        }
    }

    /// The address this socket is bound to; nil when it is not an IP socket.
    package var localEndpoint: Endpoint? { unsafe endpoint(getsockname) }

    /// The address this socket is connected to; nil when it is not, or no IP socket.
    package var peerEndpoint: Endpoint? { unsafe endpoint(getpeername) }

    private func endpoint(
        _ call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> Endpoint? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // The kernel writes at most `length` bytes of address.
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe call(
                number, UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                &length)
        }
        return result == 0 ? Endpoint(storage) : nil
    }

    /// Receives one datagram, cut to the buffer's size, and says who sent it.
    package func receiveDatagram(into buffer: ReceiveBuffer) -> (IOResult, from: Endpoint) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe recvfrom(
                number, buffer.base, buffer.capacity, 0,
                UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), &length)
        }
        let sender = Endpoint(storage) ?? Endpoint(.any, 0)
        if count >= 0 { return (.bytes(count), sender) }
        let error = Errno.current
        return (error.isWouldBlock ? .wouldBlock : .failed(error), sender)
    }

    /// Sends one datagram; what the kernel does not take is lost, as any datagram may be.
    package func sendDatagram(_ bytes: Span<UInt8>, to endpoint: Endpoint) {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe endpoint.withSocketAddress { address, length in
                unsafe _ = sendto(
                    number, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }
}
