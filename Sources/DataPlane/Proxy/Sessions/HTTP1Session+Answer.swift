// Fairlead's own answers as HTTP/1: redirects, fixed responses, refusals, and answers in the place
// of a backend. What they say is in LocalReply.swift.

internal import AccessLog
internal import Events
internal import HTTP1

extension HTTP1Session {
    /// Gives `reply` to the request whose `head` was parsed from `bytes`, and behind which
    /// `following` came. Returns how many of those belong to it.
    func answer(
        _ reply: LocalReply, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        following: Span<UInt8>
    ) -> Int {
        readTraits(of: head)
        let used = skipBody(head, following)
        reply.send(to: .http1(Link(self)), answering: head, bytes, on: worker)
        exchangeFinished()
        return used
    }

    /// Skips the part of the request's body that is here, at the start of `following`; the session
    /// does not wait for the rest. Returns its size.
    private func skipBody(_ head: borrowing RequestHead, _ following: Span<UInt8>) -> Int {
        var body = BodyTracker(head.body)
        guard !body.isComplete else { return 0 }
        guard case .end(let consumed) = body.advance(following) else { return following.count }
        traits.insert(.isWhole)
        return consumed
    }

    /// Gives `reply` to a request whose head can't be read, or does not come, and ends the
    /// connection.
    func refuse(_ reply: LocalReply) {
        traits = []
        var reply = reply
        reply.show(listener.options.errorPages, Span())
        reply.send(to: .http1(Link(self)), on: worker)
        end(lingers: true)
    }

    /// Sends an answer of Fairlead's own. Returns the sizes of its head and its body.
    func answer(_ reply: LocalReply, mayStay: Bool) -> (head: Int, body: Int) {
        let keepsAlive = reply.ending.keepsConnection && isKept(mayStay)
        afterwards = keepsAlive ? .keep : .linger
        let writer = reply.writer(
            to: capabilities(keepsAlive: keepsAlive), omitsBody: traits.contains(.isHead),
            listener.responseEdits)
        var out: [UInt8] = []
        let content = reply.content
        writer.write(body: content.span, into: &out)
        switch write(out.span) {
        // What is kept goes out before the next request is read, and before the connection ends.
        case .sent, .kept: break
        case .failed: condition.insert(.isBroken)
        }
        let bodyCount = writer.omitsBody ? 0 : content.count
        return (out.count - bodyCount, bodyCount)
    }
}

extension RequestHead {
    /// Whether the client's connection may carry another request once this one has its response. It
    /// may not after CONNECT: the client may send bytes from elsewhere into the tunnel that it
    /// hopes for, and those must never be read as its next request.
    var keepsConnection: Bool {
        // Not by `!=`, which is a call from one module to another here.
        if case .connect = method { false } else { keepsAlive }
    }
}
