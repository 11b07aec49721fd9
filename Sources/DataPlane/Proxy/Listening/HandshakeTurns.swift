// HandshakeTurns: in which order, and how fast, a worker goes on with handshakes of TLS.
//
// A step of one keeps the worker for 0.1 to 1 ms, since its public keys have to be computed with:
// as long as ten to a hundred requests. Many that begin at once, an attack or the clients of a
// proxy that has restarted, must not make those wait who are connected. So a worker takes one step
// between two looks at its connections. The other handshakes wait in the order in which they came,
// and are not read meanwhile; when many wait, no more are accepted for a moment, and the kernel's
// queue of connections holds the rest, which takes no memory here.

internal import Events
internal import Stats

/// The handshakes of a worker that wait for their next step. Worker thread only.
final class HandshakeTurns {
    private let loop: EventLoop
    /// Handshakes that wait, from the place `first` on; some may have been closed meanwhile.
    private var waiting: [TLSHandshake] = []
    private var first = 0
    /// The batch of events in which the last step was taken, by its time.
    private var stepTime: UInt64 = 0
    private var next: Timer?

    /// How many may wait before no more are accepted: more than are worked off while a listener
    /// rests, so that the worker does not wait for them.
    static let waitingMax = 1024

    /// Turns of handshakes on `loop`.
    init(on loop: EventLoop) {
        self.loop = loop
        next = Timer(on: loop) { [unowned self] in takeNext() }
    }

    /// Whether so many wait that no more should be accepted.
    var isFull: Bool { waiting.count - first >= Self.waitingMax }

    /// Whether `handshake`, for which something has come, may go on at once. If not, it waits, and
    /// `TLSHandshake.step` is called when it is its turn.
    func mayStep(_ handshake: TLSHandshake) -> Bool {
        let now = loop.nowNanoseconds
        guard first < waiting.count || stepTime == now else {
            stepTime = now
            return true
        }
        waiting.append(handshake)
        // After what is readable in the next batch of events.
        if next?.isScheduled == false { next?.schedule(after: .zero) }
        return false
    }

    private func takeNext() {
        while first < waiting.count {
            let handshake = waiting[first]
            first += 1
            guard handshake.isOpen else { continue }
            stepTime = loop.nowNanoseconds
            handshake.step()
            break
        }
        if first == waiting.count {
            waiting.removeAll(keepingCapacity: first <= Self.waitingMax)
            first = 0
        } else {
            if first >= Self.waitingMax {
                waiting.removeFirst(first)
                first = 0
            }
            next?.schedule(after: .zero)
        }
    }
}
