// Message: a request or response as it came over a wire, read by a reader that is not the proxy's.

import TestSupport

/// A head and its body without framing.
struct Message {
    /// With its empty line.
    let head: String
    var body: [UInt8] = []

    var lines: [Substring] { head.split(separator: "\r\n") }
    /// Of a response.
    var status: Int { Int(lines[0].split(separator: " ")[1]) ?? 0 }
    /// Of a request.
    var method: Substring { lines[0].split(separator: " ")[0] }
    /// Of a request.
    var target: String { String(lines[0].split(separator: " ")[1]) }
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The values of every field of this lower-case name.
    func values(_ name: String) -> [String] {
        lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name else {
                return nil
            }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
    }

    /// The value of the one field of this lower-case name.
    func value(_ name: String) -> String? {
        let all = values(name)
        return all.count == 1 ? all[0] : nil
    }
}

extension Wire {
    /// The next request; nil when the connection ends instead.
    func receiveRequest() throws -> Message? {
        guard let head = try receive(through: "\r\n\r\n") else { return nil }
        var message = Message(head: head)
        message.body = try receiveBody(of: message) ?? []
        return message
    }

    /// The next response, which answers a request of this method.
    func receiveResponse(to method: String = "GET") throws -> Message {
        guard let head = try receive(through: "\r\n\r\n") else {
            throw TestSupportError("no response")
        }
        var message = Message(head: head)
        let status = message.status
        if method == "HEAD" || status < 200 || status == 204 || status == 304 { return message }
        message.body = try receiveBody(of: message) ?? receiveToEnd().bytes
        return message
    }

    /// Sends a request without a body and receives its response.
    func get(_ path: String = "/", _ fields: String = "") throws -> Message {
        try send("GET \(path) HTTP/1.1\r\nHost: a.test\r\n\(fields)\r\n")
        return try receiveResponse()
    }

    /// Nil when nothing frames it.
    private func receiveBody(of message: Message) throws -> [UInt8]? {
        if message.value("transfer-encoding") == "chunked" {
            var body: [UInt8] = []
            while true {
                let line = try receive(through: "\r\n") ?? ""
                guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16) else {
                    throw TestSupportError("bad chunk size \(line)")
                }
                if size == 0 { break }
                body += try receive(exactly: size)
                _ = try receive(exactly: 2)
            }
            while try receive(through: "\r\n") != "\r\n" {}
            return body
        }
        guard let length = message.value("content-length").flatMap({ Int($0) }) else { return nil }
        return try receive(exactly: length)
    }
}

/// A response with a length.
func response(_ body: String = "", _ status: String = "200 OK", _ fields: String = "") -> String {
    "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
}
