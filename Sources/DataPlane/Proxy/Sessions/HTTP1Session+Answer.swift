// Requests that go no further than Fairlead: redirects, fixed responses, refusals after the head.

internal import AccessLog
internal import Events
internal import HTTP1
internal import Routing
internal import Stats

extension HTTP1Session {
    /// Answers the request whose `head` was parsed from `bytes`, and behind which `following` came.
    /// Returns how many of those belong to it.
    func answer(
        _ destination: Destination, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        following: Span<UInt8>
    ) -> Int {
        // A body that is here is skipped; one that is still to come is not waited for.
        var body = BodyTracker(head.body)
        var used = 0
        if !body.isComplete {
            if case .end(let consumed) = body.advance(following) {
                used = consumed
            } else {
                used = following.count
            }
        }
        var destination = destination
        var location: [UInt8] = []
        if case .redirect(let redirect, _) = destination,
            !redirect.appendTarget(
                for: head, bytes, told: listener.clientOrigin(head, bytes, context.address),
                to: &location)
        {
            destination = .answer(.refused(.missingHost))
        }
        var out: [UInt8] = []
        let status: Int
        let cause: EndCause
        var keepsAlive = body.isComplete && head.keepsConnection && mayKeepAlive
        var capabilities = ClientCapabilities(
            minorVersion: head.minorVersion, keepsAlive: keepsAlive)
        let omitsBody = head.method == .head
        let bodyCount: Int
        switch destination {
        case .service: preconditionFailure("a service answers by its backends")
        case .answer(let reply):
            keepsAlive = keepsAlive && reply.keepsConnection
            capabilities.keepsAlive = keepsAlive
            status = reply.status
            cause = reply.cause
            bodyCount = reply.write(to: capabilities, omitsBody: omitsBody, into: &out)
        case .redirect(let redirect, let edits):
            status = redirect.status
            cause = .answered
            var writer = ResponseWriter(status: status, to: capabilities, omitsBody: omitsBody)
            writer.addField("Location", location.span)
            if let edits { writer.add(edits) }
            writer.write(body: "", into: &out)
            bodyCount = 0
        case .respond(let response, let edits):
            status = response.status
            cause = .answered
            var writer = ResponseWriter(
                status: status, contentType: nil, to: capabilities, omitsBody: omitsBody)
            // RFC 9110, section 8.3: it tells what the content is, so without any there is nothing
            // to tell.
            if !response.body.isEmpty {
                writer.addField("Content-Type", Array(response.contentType.utf8).span)
            }
            if let edits { writer.add(edits) }
            writer.write(body: response.body.span, into: &out)
            bodyCount = omitsBody ? 0 : response.body.count
        }
        count(status: status, cause)
        writeLine(head, bytes, status: status, cause, sent: out.count, body: bodyCount)
        sendWhole(out.span)
        afterwards = keepsAlive ? .keep : .linger
        exchangeFinished()
        return used
    }

    private func count(status: Int, _ cause: EndCause) {
        switch cause {
        case .noRoute: listener.counters.add(.unrouted)
        case .clientHead: listener.counters.add(.badRequests)
        default: listener.counters.add(.answered)
        }
    }

    private func writeLine(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, status: Int, _ cause: EndCause,
        sent: Int, body: Int
    ) {
        guard let log = worker.log else { return }
        var entry = AccessEntry(.http(minorVersion: head.minorVersion), cause)
        entry.status = status
        entry.bytesIn = bytes.count
        entry.bytesOut = sent
        entry.bodyBytesOut = body
        var text = LoggedText()
        text.note(head, from: bytes)
        log.write(entry, text, client: context.address, listener: listener, pool: nil, backend: nil)
    }
}

extension RequestHead {
    /// Whether the client's connection may carry another request when this one has got a response.
    /// It may not after CONNECT: what the client sends into a tunnel that it hopes for may be of
    /// somebody else's making, and must never be read as its next request.
    var keepsConnection: Bool { keepsAlive && method != .connect }
}

extension Reply {
    /// Appends the response that says this; `service` is the name of the service that the request
    /// was for. Returns how many bytes of it are the body.
    func write(
        to client: ClientCapabilities, service: String = "", omitsBody: Bool,
        into out: inout [UInt8]
    ) -> Int {
        var writer = ResponseWriter(status: status, to: client, omitsBody: omitsBody)
        // Nothing was done yet: the client may simply try again.
        if status == 503 { writer.addField("Retry-After", "1") }
        // RFC 9110, section 10.2.1: what the target allows is the backend's to say; an empty list
        // promises nothing.
        if self == .optionsAtLastHop || self == .traceAtLastHop { writer.addField("Allow", "") }
        let text = Array(body(service: service).utf8)
        writer.write(body: text.span, into: &out)
        return omitsBody ? 0 : text.count
    }
}
