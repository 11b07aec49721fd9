// HTTPExchange+Log: what an exchange counts for its line in the access log, and the line.

internal import AccessLog
internal import Events
internal import GRPCWire
internal import HTTP1
internal import Stats

/// The figures of one exchange that only its line needs.
struct ExchangeFigures {
    /// The status of the response; 0 before one.
    var status = 0
    /// The status of a call of gRPC; nil before it, and for other requests.
    var grpcStatus: GRPCStatus?
    /// The status of 500 and above that this is like; 0 when it is like none.
    var likeStatus = 0
    var bytesIn = 0
    var bytesOut = 0
    /// How many of `bytesOut` were heads.
    var headBytesOut = 0

    /// How long it took to learn whether the request may go on; 0 where nothing was waited for.
    var authNanoseconds: UInt64 = 0

    /// When the response's head came, in the loop's nanoseconds; nil before that.
    var firstByteAt: UInt64?
}

extension HTTPExchange {
    /// Counts bytes that came from the client.
    func countReceived(_ count: Int, _ pool: BackendPool) {
        request.figures.bytesIn += count
        pool.counters.add(.bytesFromClients, count)
    }

    /// Counts bytes that went, or will go, to the client.
    func countSent(_ count: Int, _ pool: BackendPool) {
        request.figures.bytesOut += count
        pool.counters.add(.bytesToClients, count)
    }

    /// Records that the head of a response with `status` has come.
    func recordFirstByte(of status: Int, _ stream: BackendStream) {
        let now = worker.loop.nowNanoseconds
        request.figures.firstByteAt = now
        request.figures.status = status
        stream.withPlace { slot, backend, pool in
            if isTraced { recordStatus(status, slot) }
            if request.isCall, status < 400, isOfCalls(stream) {
                request.awaitsStatus = true
                pool.recordHeard(
                    from: backend, after: now - request.tries[slot].sentAt, worker)
                return
            }
            pool.recordAnswer(
                status: status, from: backend, after: now - request.tries[slot].sentAt, worker)
        }
    }

    /// Writes the line of this exchange, which has ended.
    func writeLine(
        _ log: WorkerLog, _ client: ClientStream, _ pool: BackendPool, _ ending: Ending
    ) {
        var entry = AccessEntry(.http(request.version), ending.code)
        entry.status = request.figures.status
        entry.grpcStatus = request.figures.grpcStatus?.code
        entry.bytesIn = request.figures.bytesIn
        entry.bytesOut = request.figures.bytesOut
        entry.bodyBytesOut = request.figures.bytesOut - request.figures.headBytesOut
        entry.tries = request.tries.count
        entry.tls = client.tls
        if isTraced { entry.trace = trace?.outgoing.context }
        if let coded = held.coded { entry.coded = coded.content }
        let now = worker.loop.nowNanoseconds
        entry.totalMicroseconds = Int((now - request.startedAt) / 1000)
        let asked =
            request.phase == .asking ? now - request.startedAt : request.figures.authNanoseconds
        if request.hasAsked { entry.authMicroseconds = Int(asked / 1000) }
        if let begunAt = request.tries.leading.begunAt {
            entry.queueMicroseconds = Int((begunAt - request.startedAt - asked) / 1000)
            entry.connectMicroseconds = request.tries.leading.connectedAt.map {
                Int(($0 - begunAt) / 1000)
            }
        }
        entry.firstByteMicroseconds = request.figures.firstByteAt.map {
            Int(($0 - request.tries.leading.sentAt) / 1000)
        }
        log.write(
            entry, text, client: client.context.address, worker.arrival(of: client.number),
            listener: client.context.listener, pool: pool, backend: held.backend)
    }
}
