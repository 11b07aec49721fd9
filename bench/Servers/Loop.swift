// A listening socket and libevent's loop around it. As bare as can be, and by design apart from
// Fairlead's own `Events`: a floor that used it would hide its cost.

internal import CLibevent
internal import Glibc

/// A reason not to start, for the user.
struct ServerError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A callback of libevent: descriptor, what happened, the pointer given at registration.
typealias EventCallback = @convention(c) (Int32, Int16, UnsafeMutableRawPointer?) -> Void

/// One libevent loop on one thread, without locks.
@safe final class Loop {
    private let base: OpaquePointer

    init() throws {
        guard let configuration = unsafe event_config_new() else {
            throw ServerError("out of memory")
        }
        defer { unsafe event_config_free(configuration) }
        unsafe event_config_set_flag(configuration, Int32(EVENT_BASE_FLAG_NOLOCK.rawValue))
        guard let base = unsafe event_base_new_with_config(configuration) else {
            throw ServerError("libevent has no way to wait for descriptors here")
        }
        unsafe self.base = base
    }

    /// Calls `callback` whenever `descriptor` can be read, until `stopWatching`. `event` must keep
    /// its place meanwhile.
    func watch(
        _ descriptor: Int32, _ event: UnsafeMutablePointer<event>, _ callback: EventCallback,
        _ context: UnsafeMutableRawPointer?
    ) {
        // Both are in memory that outlives the registration: the caller's promise above.
        unsafe event_assign(event, base, descriptor, Int16(EV_READ | EV_PERSIST), callback, context)
        unsafe event_add(event, nil)
    }

    /// Makes `event` call `callback` when `descriptor` can be written, from `event_add` to
    /// `event_del`. It must keep its place meanwhile.
    func prepareWriting(
        _ descriptor: Int32, _ event: UnsafeMutablePointer<event>, _ callback: EventCallback,
        _ context: UnsafeMutableRawPointer?
    ) {
        unsafe event_assign(
            event, base, descriptor, Int16(EV_WRITE | EV_PERSIST), callback, context)
    }

    /// Runs forever.
    func run() {
        unsafe _ = event_base_dispatch(base)
    }
}

/// A socket of 127.0.0.1 that `use` binds or connects; nil when it cannot.
func loopbackSocket(port: UInt16, _ use: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32)
    -> Int32?
{
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    var on: Int32 = 1
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(4))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
    let result = unsafe withUnsafePointer(to: &address) { pointer in
        // Every socket address begins with the members of `sockaddr`; the length says which it is.
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe use(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard result == 0 else {
        close(descriptor)
        return nil
    }
    return descriptor
}

/// A socket that listens on 127.0.0.1.
func listeningSocket(port: UInt16) throws -> Int32 {
    guard let descriptor = unsafe loopbackSocket(port: port, { unsafe bind($0, $1, $2) }),
        listen(descriptor, 1_024) == 0
    else { throw ServerError("cannot listen on 127.0.0.1:\(port): is the port in use?") }
    return descriptor
}

/// Sends small messages at once and never blocks.
func prepare(_ descriptor: Int32) {
    var on: Int32 = 1
    unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(4))
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
}
