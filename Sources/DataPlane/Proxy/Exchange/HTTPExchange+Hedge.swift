// Hedging, where an operator asks for it: a request whose answer has not begun after a while is
// sent to another backend as well, and the first answer counts. (J. Dean, L. A. Barroso, "The Tail
// at Scale", 2013: it cuts the slowest percent of answers for a few more requests.)
//
// Two tries are alike: the one that an event is about is the exchange's own (`attend`), the other
// is set aside. So everything else of an exchange knows one try. A try that fails while another is
// under way is dropped, and the exchange goes on with the other (`fallBack`); one whose response
// begins is kept, and the other is broken off (`endOther`).

internal import Balancing
internal import Events
internal import Evidence
internal import HTTP1
internal import Stats

extension HTTPExchange {
    // MARK: - A second try

    /// The first byte of a response is awaited: sets the time after which it is asked for
    /// elsewhere.
    func scheduleHedge() {
        guard let delay = request.hedgeAfter, request.method.isSafe, !request.other.link.isSet,
            request.upgradeOffer.isEmpty,
            // A client that sticks to its backend has its session there and nowhere else.
            request.stickyToken == nil, request.boundTo == nil, !request.authenticatesConnection
        else { return }
        if hedgeTimer == nil {
            hedgeTimer = Timer(on: worker.loop) { [unowned self] in hedge() }
        }
        hedgeTimer?.schedule(after: delay)
    }

    /// It has not come: asks another backend as well, if there is one with room and the budget has
    /// a request to spare.
    private func hedge() {
        guard let client, let pool, let connection, !request.other.link.isSet,
            !request.isResponseStarted,
            connection.partial.isEmpty, request.body.isComplete,
            pool.hasOther(than: request.asking.tried)
        else { return }
        guard case .backend(let place) = pool.pick(request.asking), mayRetry(after: .slow, pool)
        else {
            return
        }
        pool.counters.hedges.add()
        request.swapTries()
        let backend = pool.members[place]
        if let error = tryBackend(backend, client, pool) {
            noteDialFailure(of: backend, pool, error)
            _ = fallBack()
        }
    }

    // MARK: - Which of the two

    /// What comes next is about `connection`.
    @inline(__always)
    func attend(to connection: BackendConnection) {
        guard request.other.link.isSet, !request.current.link.refers(to: connection) else { return }
        request.swapTries()
    }

    /// The try that has failed, and released its connection, was one of two: goes on with the
    /// other. False when there was one.
    func fallBack() -> Bool {
        guard request.other.link.isSet else { return false }
        request.swapTries()
        request.other = Try()
        return true
    }

    /// A response begins on the exchange's own try: breaks off the other, if there is one.
    func endOther() {
        guard let loser = request.other.link.object, let pool else { return }
        let isOutrun = request.other.sentAt < request.current.sentAt
        let since = request.other.awaitedSince
        abortOther()
        guard isOutrun else { return }
        pool.counters.hedgesWon.add()
        pool.noteOutrun(loser.backend, since: since, worker)
    }

    /// Breaks off the other try, if there is one: nobody waits for an answer any more.
    func abortOther() {
        guard let connection = request.other.link.object else { return }
        let backend = connection.backend
        if request.other.isMoved { backend.record.endMoved() }
        connection.pool.end(on: backend, request.other.hold)
        request.other = Try()
        connection.abort()
    }
}
