// What becomes of bytes that a client sends through a proxy, in one line that can be compared.

internal import TestSupport

/// A proxy, and the backend behind it that nobody else has.
struct RecordedProxy {
    let port: UInt16
    let backend: RecordingBackend
}

/// What the client and the backend saw of one request, or of several in a row.
struct Outcome: Equatable, CustomStringConvertible {
    /// `200, kept`: every status in order, and what became of the connection.
    let client: String
    /// The requests that reached the backend.
    let backend: [String]

    var description: String {
        "\(client); \(backend.isEmpty ? "goes nowhere" : backend.joined(separator: " + "))"
    }

    /// Sends `bytes` through all of `proxies` at once, and waits until nothing happens any more: a
    /// connection counts as kept when it is open so long after the last byte.
    /// - Parameter quiet: milliseconds; three times as long for a first byte.
    static func of(
        _ bytes: [UInt8], through proxies: [RecordedProxy], quiet: Int
    ) throws -> [Outcome] {
        for proxy in proxies { _ = proxy.backend.take() }
        var exchanges = try proxies.map { Exchange(socket: try RawSocket(port: $0.port)) }
        // A proxy that refuses may close before it has read everything.
        for exchange in exchanges { try? exchange.socket.send(bytes) }
        var last = ContinuousClock.now
        while exchanges.contains(where: \.isOpen) {
            for index in exchanges.indices where exchanges[index].isOpen {
                if exchanges[index].receive() { last = .now }
            }
            let patience = exchanges.contains { $0.received.isEmpty && $0.isOpen } ? 3 : 1
            if ContinuousClock.now - last > .milliseconds(quiet * patience) { break }
        }
        return zip(exchanges, proxies).map { exchange, proxy in
            Outcome(client: exchange.summary, backend: proxy.backend.take())
        }
    }

    private struct Exchange {
        let socket: RawSocket
        var received: [UInt8] = []
        var isOpen = true

        /// Takes what has come; false if nothing has.
        mutating func receive() -> Bool {
            guard socket.hasMore(within: 5) else { return false }
            let more = (try? socket.receive()) ?? []
            received += more
            isOpen = !more.isEmpty
            return true
        }

        var summary: String {
            let text = String(decoding: received, as: UTF8.self)
            let statuses = text.split(separator: "HTTP/1.").map { $0.dropFirst(2).prefix(3) }
                .filter { $0.count == 3 && $0.allSatisfy(\.isNumber) }
            let answers =
                received.isEmpty
                ? "no answer" : statuses.isEmpty ? "no status" : statuses.joined(separator: " ")
            return "\(answers), \(isOpen ? "kept" : "closed")"
        }
    }
}
