// A minimal HTTP/1.1 client and the reading half of a server: strict enough to notice what a proxy
// got wrong, and independent of the proxy's own parser, which is under test.

internal import TestSupport

/// A response, its body decoded.
struct HTTPResponse {
    var status: Int
    /// Names in lower case, in order.
    var headers: [(name: String, value: String)]
    var body: String

    /// The value of a header, by its lower-case name; nil when absent.
    subscript(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }
}

/// A keep-alive connection to 127.0.0.1 that asks one question at a time.
struct HTTPConnection {
    let socket: RawSocket
    private let host: String

    /// - Parameter host: of every request; an admin port answers to its own address only.
    init(port: UInt16, host: String = "flow.example.test") throws {
        self.host = host
        socket = try RawSocket(port: port)
    }

    /// Sends a request and waits for its response. `Host` is added; framing headers are the
    /// caller's.
    func request(
        _ method: String = "GET", _ path: String = "/", headers: [String] = [], body: String = ""
    ) throws -> HTTPResponse {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)"] + headers
        try socket.send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
        return try response()
    }

    /// Waits for the response to what was sent by other means.
    func response() throws -> HTTPResponse {
        guard let head = try socket.receive(through: "\r\n\r\n") else {
            throw FlowError("the connection ended without a response")
        }
        let (first, headers) = splitHead(head)
        let words = first.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            throw FlowError("not a status line: \(first)")
        }
        var response = HTTPResponse(status: status, headers: headers, body: "")
        // RFC 9112, section 6.3: these end with their head.
        if status != 204, status != 304 {
            response.body = try socket.receiveBody(headers: headers, untilEnd: true)
        }
        return response
    }
}

/// One request on a connection of its own.
func get(_ path: String = "/", port: UInt16, headers: [String] = []) throws -> HTTPResponse {
    try HTTPConnection(port: port).request("GET", path, headers: headers + ["Connection: close"])
}

/// One request to an admin port, under the name it answers to.
func getAdmin(_ path: String, port: UInt16) throws -> HTTPResponse {
    try HTTPConnection(port: port, host: "127.0.0.1:\(port)")
        .request("GET", path, headers: ["Connection: close"])
}

/// The first line of a head, and its headers with names in lower case.
func splitHead(_ head: String) -> (first: String, headers: [(name: String, value: String)]) {
    var lines = head.split(separator: "\r\n", omittingEmptySubsequences: true).map(String.init)
    let first = lines.isEmpty ? "" : lines.removeFirst()
    let headers = lines.map { line in
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
        return (name: parts[0].lowercased(), value: String(value))
    }
    return (first, headers)
}

extension RawSocket {
    /// The body that `headers` announce: by length, by chunks, or up to the end of the connection
    /// when neither is given and `untilEnd` (a response without framing; a request has no body
    /// then).
    func receiveBody(headers: [(name: String, value: String)], untilEnd: Bool) throws -> String {
        if let length = headers.first(where: { $0.name == "content-length" })?.value {
            guard let count = Int(length) else { throw FlowError("Content-Length: \(length)") }
            return String(decoding: try receive(exactly: count), as: UTF8.self)
        }
        if headers.contains(where: { $0.name == "transfer-encoding" && $0.value == "chunked" }) {
            return try receiveChunks()
        }
        return untilEnd ? String(decoding: try receiveToEnd(), as: UTF8.self) : ""
    }

    private func receiveChunks() throws -> String {
        var body: [UInt8] = []
        while true {
            guard let line = try receive(through: "\r\n"),
                let size = Int(line.dropLast(), radix: 16)
            else { throw FlowError("not a chunk size") }
            body += try receive(exactly: size)
            guard try receive(through: "\r\n") == "\r\n" else {
                throw FlowError("no line end after a chunk of \(size) bytes")
            }
            if size == 0 { return String(decoding: body, as: UTF8.self) }
        }
    }
}
