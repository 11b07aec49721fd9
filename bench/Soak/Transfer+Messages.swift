// The messages of a transfer as bytes.

internal import Random

extension Transfer {
    /// A field value of `count` letters that depend on the transfer.
    func fill(_ count: Int) -> String {
        let letter = Unicode.Scalar(UInt8(97 + key % 26))
        return String(repeating: Character(letter), count: count)
    }

    /// The request's head.
    var requestText: [UInt8] {
        var text = "\(method) /\(name) HTTP/1.\(requestMinor)\r\nHost: soak\r\n"
        if requestFill > 0 { text += "X-Fill: \(fill(requestFill))\r\n" }
        if kind == .upgrade { text += "Connection: Upgrade\r\nUpgrade: soak\r\n" }
        if closes { text += "Connection: close\r\n" }
        if expectsContinue { text += "Expect: 100-continue\r\n" }
        text += framing(requestFraming, up.length)
        return Array((text + "\r\n").utf8)
    }

    /// The request's body as it is sent.
    var requestBody: [UInt8] { body(up, requestFraming, seed: key) }

    /// The response's head.
    var responseText: [UInt8] {
        var text = "HTTP/1.\(responseMinor) \(status) Soak\r\nX-Soak: \(name)\r\n"
        if responseFill > 0 { text += "X-Fill: \(fill(responseFill))\r\n" }
        if status == 101 { text += "Connection: Upgrade\r\nUpgrade: soak\r\n" }
        if backendCloses { text += "Connection: close\r\n" }
        if hasResponseBody, kind == .http { text += framing(responseFraming, down.length) }
        return Array((text + "\r\n").utf8)
    }

    /// The response's body as it is sent.
    var responseBody: [UInt8] {
        hasResponseBody && kind == .http ? body(down, responseFraming, seed: key &+ 1) : []
    }

    private func framing(_ framing: BodyFraming, _ length: Int) -> String {
        switch framing {
        case .length: "Content-Length: \(length)\r\n"
        case .chunked: "Transfer-Encoding: chunked\r\n"
        case .none, .untilClose: ""
        }
    }

    private func body(_ content: Content, _ framing: BodyFraming, seed: UInt64) -> [UInt8] {
        if framing == .none { return [] }
        let bytes = content.bytes(0..<content.length)
        guard framing == .chunked else { return bytes }
        var numbers = SplitMix64(seed: seed)
        var sizeMax = [8, 1_000, 20_000, 1 << 18].randomElement(using: &numbers) ?? 8
        var chunked: [UInt8] = []
        chunked.reserveCapacity(bytes.count + bytes.count / 8 + 100)
        var offset = 0
        while offset < bytes.count {
            let size = min(bytes.count - offset, Int.random(in: 1...sizeMax, using: &numbers))
            if chunked.count > 20_000 { sizeMax = max(sizeMax, 5_000) }
            let mark = chance(10, &numbers) ? ";soak=\"\(size)\"" : ""
            chunked += Array("\(String(size, radix: 16))\(mark)\r\n".utf8)
            chunked += bytes[offset..<offset + size]
            chunked += [13, 10]
            offset += size
        }
        let trailer = hasTrailers ? "X-Trailer: \(name)\r\n" : ""
        return chunked + Array("0\r\n\(trailer)\r\n".utf8)
    }
}
