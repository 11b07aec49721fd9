// Sockets that another process opened, and the two ends through which processes talk.

internal import Glibc

extension Socket {
    /// The listening TCP socket that the process was given as `number`: from now on non-blocking
    /// and closed on exec, as all are.
    ///
    /// - Throws: `Errno`: EBADF for a number that is not open, ENOTSOCK for what is no socket,
    ///   EINVAL for a socket that does not listen, ESOCKTNOSUPPORT for one that is not TCP.
    package static func adoptListening(_ number: Int32) throws(Errno) -> Descriptor {
        let descriptor = Descriptor(number: number)
        guard try descriptor.option(SOL_SOCKET, SO_ACCEPTCONN) == 1 else {
            throw Errno(rawValue: EINVAL)
        }
        guard try descriptor.option(SOL_SOCKET, SO_TYPE) == Int32(SOCK_STREAM.rawValue),
            descriptor.localEndpoint != nil
        else { throw Errno(rawValue: ESOCKTNOSUPPORT) }
        try adopt(number)
        descriptor.setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        return descriptor
    }

    /// What the process was given as `number`, whatever it is: from now on non-blocking and closed
    /// on exec.
    ///
    /// - Throws: `Errno`: EBADF for a number that is not open.
    @discardableResult
    package static func adopt(_ number: Int32) throws(Errno) -> Descriptor {
        let flags = fcntl(number, F_GETFL)
        guard flags >= 0, fcntl(number, F_SETFL, flags | O_NONBLOCK) == 0,
            fcntl(number, F_SETFD, FD_CLOEXEC) == 0
        else { throw .current }
        return Descriptor(number: number)
    }

    /// The socket of `descriptor` under another number; each is closed for itself.
    ///
    /// - Throws: `Errno` when no descriptor is left.
    package static func duplicate(_ descriptor: Descriptor) throws(Errno) -> Descriptor {
        let number = fcntl(descriptor.number, F_DUPFD_CLOEXEC, 0)
        guard number >= 0 else { throw .current }
        return Descriptor(number: number)
    }

    /// Two connected ends of a Unix-domain stream.
    ///
    /// - Throws: `Errno` when no descriptor is left.
    package static func pair() throws(Errno) -> (Descriptor, Descriptor) {
        var ends: (Int32, Int32) = (0, 0)
        let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        // socketpair writes two numbers, which a pair of them has room for.
        let result = unsafe withUnsafeMutablePointer(to: &ends) { ends in
            unsafe UnsafeMutableRawPointer(ends).withMemoryRebound(to: Int32.self, capacity: 2) {
                unsafe socketpair(AF_UNIX, Int32(bitPattern: type), 0, $0)
            }
        }
        guard result == 0 else { throw .current }
        return (Descriptor(number: ends.0), Descriptor(number: ends.1))
    }
}

extension Descriptor {
    /// An integer socket option.
    func option(_ level: Int32, _ name: Int32) throws(Errno) -> Int32 {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(number, level, name, &value, &length) == 0 else { throw .current }
        return value
    }
}
