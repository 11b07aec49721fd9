// Errno: a system call's error as a value.

internal import CLinux
internal import Glibc

/// A POSIX error number. Value type, any thread.
package struct Errno: RawRepresentable, Error, Hashable, Sendable {
    /// The kernel's number.
    package let rawValue: Int32

    /// Any number; one that the system does not know has no sentence of its own.
    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// What the last failed call of this thread left in `errno`.
    package static var current: Errno { Errno(rawValue: errno) }

    /// ECONNREFUSED: nobody listens there.
    package static let connectionRefused = Errno(rawValue: ECONNREFUSED)
    /// ECONNRESET: the peer dropped the connection.
    package static let connectionReset = Errno(rawValue: ECONNRESET)
    /// ETIMEDOUT: no answer in time; also used for our own deadlines.
    package static let timedOut = Errno(rawValue: ETIMEDOUT)
    /// EHOSTUNREACH: nothing answers at that address.
    package static let hostUnreachable = Errno(rawValue: EHOSTUNREACH)
    /// ENETUNREACH: no route to that network.
    package static let networkUnreachable = Errno(rawValue: ENETUNREACH)
    /// EADDRINUSE: something else listens there.
    package static let addressInUse = Errno(rawValue: EADDRINUSE)
    /// EACCES: not allowed, such as a port below 1024 without the right to it.
    package static let permissionDenied = Errno(rawValue: EACCES)
    /// ENOENT: there is no such file, nor socket.
    package static let noSuchFile = Errno(rawValue: ENOENT)
    /// EMFILE: the process has no descriptor left.
    package static let tooManyDescriptors = Errno(rawValue: EMFILE)
    /// ENOBUFS: too much is kept for the peer already.
    package static let noBufferSpace = Errno(rawValue: ENOBUFS)
    /// EPROTO: what came breaks the rules of a layer such as TLS.
    package static let protocolError = Errno(rawValue: EPROTO)
    /// EAFNOSUPPORT: no such address family on this machine.
    package static let familyNotSupported = Errno(rawValue: EAFNOSUPPORT)
}

extension Errno: CustomStringConvertible {
    /// The system's sentence for it, such as "Connection refused".
    package var description: String {
        var text = [CChar](repeating: 0, count: 128)
        // The POSIX form writes at most `count` bytes into `text` and returns an error or 0.
        guard unsafe __xpg_strerror_r(rawValue, &text, text.count) == 0 else {
            return "error \(rawValue)"
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
