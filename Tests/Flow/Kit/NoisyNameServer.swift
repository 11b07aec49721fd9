// A name server whose answers come with rubbish: what a broken middlebox, or someone who guesses,
// puts on the wire beside the real answer.

internal import Glibc
internal import TestSupport

/// Passes questions over UDP to a real name server on 127.0.0.1, and sends packets that no resolver
/// may believe before each real answer. Stops when released.
final class NoisyNameServer: Sendable {
    let port: UInt16
    private let descriptor: Int32

    /// - Parameter upstream: the real server's port.
    init(before upstream: UInt16) throws {
        port = try FreePort.take()
        descriptor = try Self.socket(boundTo: port)
        let (client, server) = (
            descriptor, try Self.socket(connectedTo: upstream)
        )
        try startThread {
            defer {
                close(client)
                close(server)
            }
            while Self.passOn(client, server) {}
        }
    }

    deinit {
        // A packet of no bytes is the end: a UDP socket cannot be shut down under a reader.
        if let own = try? Self.socket(connectedTo: port) {
            unsafe _ = send(own, [UInt8](), 0, 0)
            close(own)
        }
    }

    /// One question and its answers; false at the end.
    private static func passOn(_ client: Int32, _ server: Int32) -> Bool {
        var packet = [UInt8](repeating: 0, count: 4_096)
        var asker = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Every socket address begins with the members of `sockaddr`; `length` says how big it is.
        let count = unsafe withUnsafeMutablePointer(to: &asker) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe recvfrom(client, &packet, packet.count, 0, $0, &length)
            }
        }
        guard count > 0 else { return false }
        let question = Array(packet[..<count])
        unsafe _ = send(server, question, question.count, 0)
        let answered = unsafe recv(server, &packet, packet.count, 0)
        let answer = Array(packet[..<max(0, answered)])
        for reply in rubbish(question, answer) + [answer] {
            unsafe withUnsafePointer(to: &asker) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe _ = sendto(client, reply, reply.count, 0, $0, length)
                }
            }
        }
        return true
    }

    /// An empty packet, half a header, half an answer, an answer whose id is another's, an answer
    /// that promises more records than it has, a name that points at itself.
    private static func rubbish(_ question: [UInt8], _ answer: [UInt8]) -> [[UInt8]] {
        guard answer.count > 14 else { return [[]] }
        var otherID = answer
        otherID[1] &+= 1
        var promising = answer
        promising[6] = 0xff
        var looping = answer
        looping.replaceSubrange(12..<14, with: [0xc0, 12])
        return [
            [], Array(answer[..<6]), Array(answer[..<(answer.count / 2)]), otherID, promising,
            looping, question,
        ]
    }

    private static func socket(boundTo own: UInt16? = nil, connectedTo peer: UInt16? = nil) throws
        -> Int32
    {
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = Glibc.socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { throw FlowError.system("socket") }
        let isBound = own.map { unsafe withLoopback($0) { unsafe bind(descriptor, $0, $1) == 0 } }
        let isConnected = peer.map {
            unsafe withLoopback($0) { unsafe connect(descriptor, $0, $1) == 0 }
        }
        guard isBound != false, isConnected != false else {
            close(descriptor)
            throw FlowError.system("a UDP socket")
        }
        return descriptor
    }
}
