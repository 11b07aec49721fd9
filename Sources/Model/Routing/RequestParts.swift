// RequestParts: what routes look at in a head: host without port, path, query.

internal import HTTP1

/// Ranges in the bytes that a head was parsed from.
struct RequestParts {
    /// Without port, and without the dot that a complete name may end with.
    let host: Range<Int>
    /// Behind the host's colon; empty without one.
    let portText: Range<Int>
    /// Without query; may be empty in absolute-form, and then means `/`.
    let path: Range<Int>
    /// With its `?`; empty without one.
    let query: Range<Int>

    init(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
        var hostEnd = Int(head.host.end)
        let hostStart = Int(head.host.start)
        // The last colon is the port's, unless it is inside the brackets of an IPv6 address.
        var portStart = hostEnd
        var at = hostEnd
        while at > hostStart, bytes[at - 1] != 0x5D {
            at -= 1
            if bytes[at] == 0x3A {
                hostEnd = at
                portStart = at + 1
                break
            }
        }
        portText = portStart..<Int(head.host.end)
        if hostEnd > hostStart, bytes[hostEnd - 1] == 0x2E { hostEnd -= 1 }
        host = hostStart..<hostEnd

        let target = head.pathAndQuery.bounds
        var pathEnd = target.lowerBound
        while pathEnd < target.upperBound, bytes[pathEnd] != 0x3F { pathEnd += 1 }
        path = target.lowerBound..<pathEnd
        query = pathEnd..<target.upperBound
    }

    /// The port that the host names; nil when it names none.
    func port(_ bytes: Span<UInt8>) -> UInt16? {
        var port = 0
        // Checked while the head was parsed: at most five digits.
        for index in portText { port = port * 10 + Int(bytes[index] &- 0x30) }
        return portText.isEmpty ? nil : UInt16(exactly: port)
    }
}
