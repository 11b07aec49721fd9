// A backend that does what a test says, where nginx cannot: echo a body, answer slowly, speak
// first, end first. One thread per connection.

internal import Glibc
internal import Synchronization
internal import TestSupport

/// A TCP server on 127.0.0.1 that runs a script on each connection. Stops when released.
final class ScriptedBackend: Sendable {
    let port: UInt16
    private let listening: Int32
    private let connectionsSeen = Atomic(0)
    private let requestsSeen = Atomic(0)
    private let bytesSeen = Atomic(0)

    /// How many requests the HTTP scripts below have read.
    var requests: Int { requestsSeen.load(ordering: .relaxed) }
    /// How many bytes `silent` has read.
    var bytes: Int { bytesSeen.load(ordering: .relaxed) }
    /// How many connections were accepted; a proxy's TCP checks are among them.
    var connections: Int { connectionsSeen.load(ordering: .relaxed) }

    /// - Parameter script: runs on a thread of its own; the connection ends when it returns.
    init(_ script: @escaping @Sendable (RawSocket, ScriptedBackend) throws -> Void) throws {
        port = try FreePort.take()
        listening = try listen(port: port)
        let descriptor = listening
        try startThread { [weak self] in
            while true {
                var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                unsafe _ = poll(&entry, 1, -1)
                let accepted = spawning.withLock { _ in
                    let accepted = accept(descriptor, nil, nil)
                    keepFromChildren(accepted)
                    return accepted
                }
                // Shutting the listener down, in deinit, is what ends this thread.
                guard accepted >= 0, let self else { break }
                connectionsSeen.wrappingAdd(1, ordering: .relaxed)
                try? startThread { [weak self] in
                    guard let self else { return }
                    // A script that throws has lost its connection; the client's side will tell.
                    try? script(RawSocket(accepted: accepted), self)
                }
            }
            close(descriptor)
        }
    }

    deinit {
        shutdown(listening, Int32(SHUT_RDWR))
    }

    /// Calls `answer` with each request on the connection; what it returns is sent as it is.
    private func serve(
        _ socket: RawSocket, _ answer: (_ head: String, _ body: String) throws -> Void
    ) throws {
        while let head = try socket.receive(through: "\r\n\r\n") {
            requestsSeen.wrappingAdd(1, ordering: .relaxed)
            let body = try socket.receiveBody(headers: splitHead(head).headers, untilEnd: false)
            try answer(head, body)
        }
    }

    /// Answers each HTTP request with its own body.
    static func echoingBodies() throws -> ScriptedBackend {
        try ScriptedBackend { socket, backend in
            try backend.serve(socket) { _, body in
                let length = body.utf8.count
                try socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n\(body)")
            }
        }
    }

    /// Answers each HTTP request with its own head, as it arrived here.
    static func echoingHeads() throws -> ScriptedBackend {
        try ScriptedBackend { socket, backend in
            try backend.serve(socket) { head, _ in
                let length = head.utf8.count
                try socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n\(head)")
            }
        }
    }

    /// Reads everything and never says a word.
    static func silent() throws -> ScriptedBackend {
        try ScriptedBackend { socket, backend in
            while true {
                let count = try socket.receive().count
                if count == 0 { return }
                backend.bytesSeen.wrappingAdd(count, ordering: .relaxed)
            }
        }
    }

    /// Sends the first half of its answer, `first-`, at once, and the second, `second`, when the
    /// gate opens.
    static func halfway(_ gate: Gate) throws -> ScriptedBackend {
        try ScriptedBackend { socket, backend in
            try backend.serve(socket) { _, _ in
                try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nfirst-")
                gate.wait()
                try socket.send("second")
            }
        }
    }

    /// Plain TCP: reads until the client has ended, then answers with all of it, and ends.
    static func echoingAtEnd() throws -> ScriptedBackend {
        try ScriptedBackend { socket, _ in
            try socket.send(
                "you said: " + String(decoding: try socket.receiveToEnd(), as: UTF8.self))
        }
    }
}

/// A listening socket on 127.0.0.1, which the caller closes.
func listen(port: UInt16) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw FlowError.system("socket") }
    var on: Int32 = 1
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(4))
    let bound = unsafe withLoopback(port) { unsafe bind(descriptor, $0, $1) == 0 }
    guard bound, Glibc.listen(descriptor, 128) == 0 else {
        let error = FlowError.system("listen on 127.0.0.1:\(port)")
        close(descriptor)
        throw error
    }
    return descriptor
}
