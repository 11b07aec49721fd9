// PROXY headers: what is read does not depend on where it is cut, keeps to its bounds, and is read
// as the same when it is written again.

internal import Endpoints
internal import ProxyProtocol

/// One input as the first bytes of a connection.
@Sendable func fuzzProxyHeader(_ input: Span<UInt8>) {
    let bytes = input.copy(0..<input.count)
    let whole = ProxyHeader.read(bytes.span)
    let cut = Int((input.digest >> 8) % UInt64(input.count + 1))
    let part = ProxyHeader.read(bytes.span.extracting(0..<cut))
    require(part == .needMore || part == whole, "\(part) of a part, \(whole) of the whole")
    require(
        whole == .bad(.missing) || ProxyHeader.mayBegin(with: bytes.span), "a header out of nothing"
    )
    guard case .header(let header, let length) = whole else {
        if whole == .needMore { require(bytes.count < ProxyHeader.bytesMax, "waits for too much") }
        return
    }
    require(length <= min(bytes.count, ProxyHeader.bytesMax), "a header of \(length) bytes")
    require(ProxyHeader.read(bytes.span.extracting(0..<length)) == whole, "reads behind its end")
    require((header.authority ?? [0]).count <= ProxyHeader.authorityBytesMax, "a long authority")
    require((header.uniqueID ?? [0]).count <= ProxyHeader.uniqueIDBytesMax, "a long unique id")
    require(header.authority?.isEmpty != true && header.uniqueID?.isEmpty != true, "empty texts")
    require(
        (header.application ?? [0]).count <= ProxyHeader.applicationBytesMax, "a long protocol")
    for text in [header.tls?.version, header.tls?.cipher, header.tls?.commonName] {
        require((1...ProxiedTLS.textBytesMax).contains((text ?? [0]).count), "a text of no length")
    }

    var written = header
    // A header without ends is one of the proxy's own, of which nothing is said.
    if header.ends == nil { written = ProxyHeader(nil) }
    let binary = written.bytes(.v2)
    require(
        ProxyHeader.read(binary.span) == .header(written, length: binary.count), "another header")
    let line = header.bytes(.v1)
    require(
        ProxyHeader.read(line.span) == .header(ProxyHeader(header.ends), length: line.count),
        "another line")
}
