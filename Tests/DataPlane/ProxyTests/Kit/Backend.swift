// Backend: a server that does what a test says and remembers what it saw. One thread for each of
// its connections.

import Endpoints
import Events
import Glibc
import Locking
import TestSupport

/// A server on the loopback. Stops listening when released.
final class Backend: Sendable {
    typealias Script = @Sendable (Wire, Backend) throws -> Void

    private struct Seen {
        var connections = 0
        var ended = 0
        var requests: [Message] = []
    }

    let port: UInt16
    /// Nil once it is closed: its number may be that of another then, which must not be shut down.
    private let listening: Locked<Descriptor?>
    private let seen = Locked(Seen())

    /// Connections accepted.
    var connections: Int { seen.withLock { $0.connections } }
    /// Connections whose script has returned.
    var ended: Int { seen.withLock { $0.ended } }
    /// Every request that `next` has read.
    var requests: [Message] { seen.withLock { $0.requests } }

    /// - Parameter script: runs for each connection, which ends when it returns.
    init(_ script: @escaping Script) throws {
        let descriptor = try Socket.listen(on: Endpoint(.loopback, 0), isShared: false)
        port = descriptor.localEndpoint?.port ?? 0
        let listening = Locked<Descriptor?>(descriptor)
        self.listening = listening
        try startThread { [weak self] in
            while true {
                var entry = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
                unsafe _ = poll(&entry, 1, -1)
                switch descriptor.accept() {
                case .connection(let descriptor, _): self?.run(script, on: descriptor)
                case .wouldBlock: continue
                // Shutting the listener down is what ends this thread.
                case .failed:
                    listening.withLock { $0 = nil }
                    descriptor.close()
                    return
                }
            }
        }
    }

    deinit {
        stopListening()
    }

    /// From now on connections are refused.
    func stopListening() {
        listening.withLock { descriptor in
            if let descriptor { shutdown(descriptor.number, Int32(SHUT_RDWR)) }
        }
    }

    private func run(_ script: @escaping Script, on descriptor: Descriptor) {
        seen.withLock { $0.connections += 1 }
        do {
            try startThread { [weak self] in
                let wire = Wire(accepted: descriptor)
                // A script that throws has lost its connection; the client's side will tell.
                if let self { try? script(wire, self) }
                wire.close()
                self?.seen.withLock { $0.ended += 1 }
            }
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// The next request on `wire`, remembered; nil at the end.
    func next(_ wire: Wire) throws -> Message? {
        guard let request = try wire.receiveRequest() else { return nil }
        record(request)
        return request
    }

    func record(_ request: Message) {
        seen.withLock { $0.requests.append(request) }
    }

    // MARK: - The usual ones

    /// Answers every request with these bytes.
    static func replying(_ bytes: String) throws -> Backend {
        try Backend { wire, backend in
            while try backend.next(wire) != nil { try wire.send(bytes) }
        }
    }

    /// Answers every request with its own body.
    static func echoing() throws -> Backend {
        try Backend { wire, backend in
            while let request = try backend.next(wire) {
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n")
                try wire.send(request.body)
            }
        }
    }
}

/// A port of the loopback that refuses connections, and that no other socket gets meanwhile: bound,
/// and not listening.
final class RefusingPort {
    let port: UInt16
    private let descriptor: Descriptor

    init() throws {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        descriptor = Descriptor(number: number)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        // sockaddr_in begins with the fields of sockaddr: that is how the kernel reads it.
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0, let port = descriptor.localEndpoint?.port else {
            throw TestSupportError.system("bind")
        }
        self.port = port
    }

    deinit {
        descriptor.close()
    }

    /// From now on connections are accepted.
    func listen() {
        precondition(Glibc.listen(descriptor.number, 8) == 0)
    }

    /// The next connection.
    func accept() throws -> Wire {
        let number = Glibc.accept(descriptor.number, nil, nil)
        guard number >= 0 else { throw TestSupportError.system("accept") }
        return Wire(accepted: Descriptor(number: number))
    }
}

/// A port of the loopback that neither accepts nor refuses: its queue is full.
final class SilentPort {
    let port: UInt16
    private let listening: Descriptor
    private var waiting: [Descriptor] = []

    init() throws {
        listening = try Socket.listen(on: Endpoint(.loopback, 0), backlog: 0, isShared: false)
        port = listening.localEndpoint?.port ?? 0
        for _ in 0..<4 { waiting.append(try Socket.connectStream(to: Endpoint(.loopback, port))) }
    }

    deinit {
        for descriptor in waiting + [listening] { descriptor.close() }
    }
}
