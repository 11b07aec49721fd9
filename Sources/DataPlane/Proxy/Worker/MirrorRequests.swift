// MirrorRequests: a worker's copies of requests: so many at a time, and memory that serves one
// after the other. What holds up copies, a service that does not answer most often, leaves out the
// next ones, and holds up nothing else.

/// The copies of requests. Value type, worker thread only.
struct MirrorRequests {
    /// The most at a time, whether they are sent or wait for the rest of their requests: with
    /// bodies of the usual limit they take 8 MiB.
    static let most = 128

    /// Copies that are taken.
    var taken: [MirrorRequest] { list.requests }
    private var list = OwnRequestList<MirrorRequest>()
    private var free: [MirrorRequest] = []

    /// A copy for one request; nil when there are as many as may be.
    mutating func take(for worker: Worker) -> MirrorRequest? {
        guard taken.count < Self.most else { return nil }
        let copy = free.popLast() ?? MirrorRequest(worker: worker)
        list.add(copy)
        return copy
    }

    /// Keeps `copy`, which is over and may still be on the stack.
    mutating func recycle(_ copy: MirrorRequest) {
        // From here on it is kept alive: the other list may have held the only reference.
        free.append(copy)
        list.remove(copy)
        copy.clear()
    }
}
