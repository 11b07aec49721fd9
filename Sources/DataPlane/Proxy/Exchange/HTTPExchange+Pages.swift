// HTTPExchange+Pages: the operator's pages in the place of what backends say of errors, where that
// is asked for (`error-pages-of: all`).

internal import Events
internal import HTTP1
internal import Routing

extension HTTPExchange {
    /// Whether the client gets a page in place of the answer whose `head` was parsed from `bytes`,
    /// and of whose body `following` came: then the exchange is over. The status stays, and so do
    /// the fields that say what the client may do next.
    func isReplaced(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, following: Span<UInt8>,
        _ client: ClientStream, _ stream: BackendStream
    ) -> Bool {
        let pages = held.route?.errorPages ?? client.context.listener.options.errorPages
        // Of a question the answer matters as it is.
        guard !client.isOwn, let pages, pages.areOfBackends, pages.page(for: head.status) != nil
        else {
            return false
        }
        var lines = Self.keptLines(of: head, bytes)
        lines += addedLines(stream)
        var reply = LocalReply(inPlaceOf: head.status, lines, held.route?.responseEdits)
        requestHead.withBytes { reply.show(pages, $0) }
        guard reply.hasPage else { return false }
        request.phase = .responding
        recordFirstByte(of: head.status, stream)
        endOther(than: stream)
        let pool = stream.pool
        endTry(on: stream)
        stream.dismiss(following, isReusable: request.isWhole, for: client)
        pool.countResponse(status: head.status)
        let sent = reply.send(to: client, mayStay: !request.effort.closesClient)
        request.figures.status = head.status
        request.figures.bytesOut += sent.head + sent.body
        request.figures.headBytesOut += sent.head
        finish(pool, .complete)
        client.finish()
        return true
    }

    /// The names of the fields that stay, in small letters; those that begin with `access-control-`
    /// do as well, since without them a script may not even learn of the status.
    private static let keptNames = [
        "www-authenticate", "retry-after", "set-cookie", "allow", "cache-control",
    ].map { Array($0.utf8) }
    private static let keptBeginning = Array("access-control-".utf8)

    private static func keptLines(
        of head: borrowing ResponseHead, _ bytes: Span<UInt8>
    ) -> [UInt8] {
        var lines: [UInt8] = []
        for index in 0..<head.fieldCount {
            let field = head.field(index)
            var name: [UInt8] = []
            name.append(bytes.extracting(field.name.bounds))
            let folded = name.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
            guard keptNames.contains(folded) || folded.starts(with: keptBeginning) else { continue }
            lines += name + Array(": ".utf8)
            lines.append(bytes.extracting(field.value.bounds))
            lines += Array("\r\n".utf8)
        }
        return lines
    }
}
