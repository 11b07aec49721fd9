// HTTPExchange+Hedge: hedging, where it is configured: a request whose answer has not begun after a
// while is sent to another backend as well, and the first answer counts. (J. Dean, L. A. Barroso,
// "The Tail at Scale", 2013: it cuts the slowest percent of answers for a few more requests.)
//
// Two tries are alike, each in a slot of its own (Tries.swift). One that fails while the other is
// under way is dropped, and the exchange goes on with the other (`fallBack`); one whose response
// begins is kept, and the other is aborted (`endOther`).

internal import Balancing
internal import Events
internal import Evidence
internal import HTTP1
internal import Stats

extension HTTPExchange {
    // MARK: - A second try

    /// Sets the time after which the request is sent elsewhere as well, unless a response begins.
    func scheduleHedge() {
        guard let delay = request.hedgeAfter, request.method.isSafe, !request.tries.areTwo,
            held.upgradeOffer == nil,
            // A client that sticks to a backend has its session there and nowhere else.
            request.stickyToken == nil, held.boundTo == nil, !request.authenticatesConnection
        else { return }
        if hedgeTimer == nil {
            hedgeTimer = Timer(on: worker.loop) { [unowned self] in hedge() }
        }
        hedgeTimer?.schedule(after: delay)
    }

    /// Sends the request to another backend as well, since the first byte has not come: if one has
    /// room, and the budget a request to spare.
    private func hedge() {
        guard let client, let pool, request.tries.areUnderWay, !request.tries.areTwo,
            request.phase != .responding, request.tries.leading.stream?.hasBegun != true,
            request.isWhole,
            pool.hasOther(than: request.asking.tried)
        else { return }
        guard case .backend(let place) = pool.pick(request.asking), mayRetry(after: .slow, pool)
        else {
            return
        }
        pool.counters.add(.hedges)
        let backend = pool.members[place]
        if let error = tryBackend(backend, client, pool) {
            recordDialFailure(of: backend, pool, error)
            _ = fallBack(from: request.tries.lead)
        }
    }

    // MARK: - Which of the two

    /// The try in `slot` has failed, and is over: goes on with the other one.
    /// False when there is none.
    func fallBack(from slot: Tries.Slot) -> Bool {
        guard request.tries.isUnderWay(slot.other) else { return false }
        lead(with: slot.other)
        return true
    }

    /// A response begins on `stream`: aborts the other try, if there is one.
    func endOther(than stream: BackendStream) {
        let slot = stream.slot
        guard request.tries.isUnderWay(slot.other) else { return }
        lead(with: slot)
        let loser = request.tries[slot.other]
        let outrun = loser.sentAt < request.tries[slot].sentAt ? loser.stream?.backend : nil
        abortTry(slot.other)
        guard let outrun else { return }
        stream.pool.counters.add(.hedgesWon)
        stream.pool.recordOutrun(outrun, since: loser.awaitedSince, worker)
    }
}
