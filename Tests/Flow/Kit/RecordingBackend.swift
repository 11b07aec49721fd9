// A backend that writes down what reached it. It reads as laxly as it can, since what a strict one
// would refuse is just what a proxy should not have passed on.

internal import Synchronization
internal import TestSupport

/// Answers each request with 200 and `ok`, and keeps what it read. Any thread.
final class RecordingBackend: Sendable {
    private let server: ScriptedBackend
    private let record: Record
    var port: UInt16 { server.port }

    /// What the connections share with the owner of all.
    private final class Record: Sendable {
        let requests = Mutex<[String]>([])

        func add(_ request: String) { requests.withLock { $0.append(request) } }
    }

    init() throws {
        let record = Record()
        self.record = record
        server = try ScriptedBackend { socket, _ in
            while let head = try socket.receive(through: "\r\n\r\n") {
                let (first, fields) = splitHead(head)
                guard let body = try? Self.body(of: fields, from: socket) else {
                    return record.add(Self.line(first, fields, ["cut short"]))
                }
                record.add(Self.line(first, fields, body))
                try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
    }

    /// What came since the last call: each request as a line.
    func take() -> [String] {
        record.requests.withLock { requests in
            defer { requests = [] }
            return requests
        }
    }

    /// The payload, if there is any, and trailers.
    private static func body(
        of fields: [(name: String, value: String)], from socket: RawSocket
    ) throws -> [String] {
        guard fields.contains(where: { $0.name == "transfer-encoding" }) else {
            let body = try socket.receiveBody(headers: fields, untilEnd: false)
            return body.isEmpty ? [] : ["body \(body)"]
        }
        var body: [UInt8] = []
        while let line = try socket.receive(through: "\r\n") {
            let digits = line.prefix { $0.isHexDigit }
            guard let size = Int(digits, radix: 16) else { throw FlowError("no size: \(line)") }
            if size == 0 { break }
            body += try socket.receive(exactly: size)
            _ = try socket.receive(through: "\r\n")
        }
        var parts = body.isEmpty ? [] : ["body \(String(decoding: body, as: UTF8.self))"]
        while let line = try socket.receive(through: "\r\n"), line != "\r\n" {
            parts.append("trailer \(line.dropLast().lowercased())")
        }
        return parts
    }

    /// A request without what says the same in many ways: how its body is framed, and the fields
    /// that proxies add.
    private static func line(
        _ first: String, _ fields: [(name: String, value: String)], _ body: [String]
    ) -> String {
        let added: Set = [
            "connection", "content-length", "transfer-encoding", "via", "x-forwarded-for",
            "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
        ]
        let kept = fields.filter { !added.contains($0.name) }.map { "\($0.name): \($0.value)" }
        let line = ([first] + kept + body).joined(separator: ", ")
        return line.replacing("\0", with: "\\0")
    }
}
