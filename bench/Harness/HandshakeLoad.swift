// HandshakeLoad: connections of TLS that make one request each, several at once: no load generator
// of Debian's resumes sessions.

internal import BenchSupport
internal import Glibc

/// Clients that connect, ask for `/` once, and read to the end, again and again. One task at a
/// time.
final class HandshakeLoad {
    private let running: Running
    /// Whether each connection resumes the session of the one before it, but the first.
    private let resumes: Bool
    private var clients: [Client]
    /// Connections so far, each of which asks for another of the setup's names.
    private var begun = 0
    private var chunk = [UInt8](repeating: 0, count: 16_384)

    /// One of them.
    private struct Client {
        var connection: Connection?
        var channel: SecureChannel?
        var hasAsked = false
        var received: [UInt8] = []
        var session: SecureSession?
    }

    private static let request = Array(
        "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".utf8)

    init(_ running: Running, resumes: Bool, connections: Int = 16) {
        self.running = running
        self.resumes = resumes
        clients = Array(repeating: Client(), count: connections)
    }

    /// Works for `seconds`, and ends what is under way then. Blocks the thread.
    func run(seconds: Double) throws -> Load {
        var requests = 0
        let start = monotonic()
        let end = start + UInt64(seconds * 1e9)
        for index in clients.indices { try begin(index) }
        while true {
            var entries = clients.map { client in
                pollfd(
                    fd: client.connection?.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
            }
            guard entries.contains(where: { $0.fd >= 0 }) else { break }
            // The kernel writes into the array's records, which live across the call.
            guard unsafe poll(&entries, nfds_t(entries.count), 5_000) > 0 else {
                throw BenchError("nothing came for 5 s")
            }
            for index in entries.indices where entries[index].revents != 0 {
                guard try advance(index) else { continue }
                requests += 1
                if monotonic() < end { try begin(index) }
            }
        }
        return Load(requests: requests, seconds: Double(monotonic() - start) / 1e9)
    }

    private func begin(_ index: Int) throws {
        guard let connection = Connection(to: running.port) else {
            throw BenchError("the proxy does not accept")
        }
        _ = fcntl(connection.descriptor, F_SETFL, O_NONBLOCK)
        clients[index].connection = connection
        clients[index].channel = SecureChannel(
            connection.descriptor, for: running.setup.name(begun),
            resuming: clients[index].session)
        begun += 1
        clients[index].hasAsked = false
        clients[index].received = []
        _ = try advance(index)
    }

    /// Goes as far as it can without another byte; true at the end.
    private func advance(_ index: Int) throws -> Bool {
        guard let channel = clients[index].channel else { return false }
        if !clients[index].hasAsked {
            switch channel.connect() {
            case .done: break
            case .needsInput: return false
            case .ended, .failed: throw BenchError("a handshake failed")
            }
            guard channel.isResumed == (clients[index].session != nil) else {
                throw BenchError("a session was not resumed")
            }
            guard channel.send(Self.request) == .done(Self.request.count) else {
                throw BenchError("a request was not taken")
            }
            clients[index].hasAsked = true
        }
        while true {
            switch channel.receive(into: &chunk) {
            case .done(let count): clients[index].received += chunk[..<count]
            case .needsInput: return false
            case .ended:
                try finish(index, channel)
                return true
            case .failed: throw BenchError("a connection broke")
            }
        }
    }

    private func finish(_ index: Int, _ channel: SecureChannel) throws {
        let answer = clients[index].received
        guard answer.starts(with: Array("HTTP/1.1 200".utf8)),
            answer.suffix(BenchOrigin.name.utf8.count + 1)
                .elementsEqual(Array("\(BenchOrigin.name)\n".utf8))
        else { throw BenchError("a request failed: \(String(decoding: answer, as: UTF8.self))") }
        if resumes {
            guard let session = channel.session else { throw BenchError("there was no ticket") }
            clients[index].session = session
        }
        clients[index].channel = nil
        clients[index].connection?.close()
        clients[index].connection = nil
    }
}
