// What the tests of backends of HTTP/2 share: the option, and clients of each kind.

import Proxy
import TestSupport
import Traffic

/// Has backends be spoken to by HTTP/2 in the clear.
func byHTTP2(_ options: inout ProxyOptions) { options.services[0].policy.speaks = .http2 }

/// What a client of each kind gets for the request `head`, its lines, and `body`.
func ask(
    _ proxy: RunningProxy, by version: String, _ head: String, _ body: String = ""
) throws -> (status: Int, text: String, head: String, trailers: String) {
    guard version == "2" else {
        let wire = try proxy.connect()
        defer { wire.close() }
        let lines = head.replacing("HTTP/1.1", with: "HTTP/\(version)")
        try wire.send((lines + "\n\n").replacing("\n", with: "\r\n") + body)
        let method = String(head.prefix { $0 != " " })
        let answer = try wire.receiveResponse(to: method)
        return (answer.status, answer.text, answer.head, "")
    }
    let client = try HTTP2Client(proxy.connect())
    defer { client.wire.close() }
    let slot = try client.send(head, body.isEmpty ? nil : body)
    let answer = try client.answer(slot)
    return (answer.status, answer.text, answer.head, answer.trailers)
}
