// ConnectionCounting: how many connections each client address has open
// (`connections-per-address`). A connection is counted as it is accepted, before anything of TLS,
// or once a PROXY header has said whose it is; it is uncounted where the worker forgets its client,
// whatever became of that.

internal import Endpoints
internal import RateLimits
internal import Stats
internal import Traffic

/// Where a connection is counted. Value type, worker thread only.
struct CountedConnection {
    /// The counts: those of the listener, unless it has had to get larger ones since.
    let counts: AddressCounts
    /// The place there.
    let place: Int
}

extension WorkerListener {
    /// Whether a connection from `peer` is to say by a PROXY header whose it is.
    func namesClients(_ peer: IPAddress) -> Bool {
        options.policy.proxyProtocol.from.contains { $0.contains(peer) }
    }

    /// Counts the connection of this number as one more of the client at `address`, unless nobody
    /// has to be counted there. False when the client has as many as it may have.
    func counts(_ address: IPAddress, as number: Int, on worker: Worker) -> Bool {
        guard let limit = options.connectionLimit, !isExempt(address) else { return true }
        switch limit.counts.take(.address(address), most: limit.most) {
        case .counted(let place):
            worker.counted[number] = CountedConnection(counts: limit.counts, place: place)
            return true
        case .crowded: return true
        case .refused: return false
        }
    }

    /// Whether the address may have as many as it likes: a trusted proxy brings other clients.
    private func isExempt(_ address: IPAddress) -> Bool {
        options.policy.connectionsExempt.contains { $0.contains(address) }
            || options.policy.trustedProxies.contains { $0.contains(address) }
    }
}

extension Worker {
    /// The connection of this number has ended.
    func uncount(_ number: Int) {
        guard !counted.isEmpty, let connection = counted.removeValue(forKey: number) else { return }
        connection.counts.release(connection.place)
    }
}
