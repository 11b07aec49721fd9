// AuthRequests: a worker's questions about requests, so that asking allocates nothing.

/// The questions that no exchange waits for. Value type, worker thread only.
struct AuthRequests {
    /// Questions that wait for a request.
    private var free: [AuthRequest] = []
    /// Questions that are answered, with exchanges that are not over.
    private var answered = OwnRequestList<AuthRequest>()

    /// A question for one request.
    mutating func take(for worker: Worker) -> AuthRequest {
        free.popLast() ?? AuthRequest(worker: worker)
    }

    /// Takes `question` back from the exchange that waited for it: for another one, or until its
    /// own exchange is over.
    mutating func takeBack(_ question: AuthRequest) {
        guard !question.isOver else { return recycle(question) }
        answered.add(question)
    }

    /// Keeps `question`, which is over and may still be on the stack: of too many, another is
    /// dropped.
    mutating func recycle(_ question: AuthRequest) {
        if free.count == Worker.freeExchangesMax { free.removeLast() }
        // From here on it is kept alive: the other list may have held the only reference.
        free.append(question)
        if question.place >= 0 { answered.remove(question) }
        question.clear()
    }

    /// Ends the exchanges of those that are answered.
    func cancel() {
        for question in answered.requests { question.cancel() }
    }
}
