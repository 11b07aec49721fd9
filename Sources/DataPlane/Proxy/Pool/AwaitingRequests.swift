// AwaitingRequests: the requests of a service that has no backend for them (`when-empty`).
//
// | what happens                       | what follows                                           |
// |------------------------------------|--------------------------------------------------------|
// | another rotation                   | those that wait go there, in their order and at the    |
// |                                    | pace of QueueRelease; new requests go there at once    |
// | one of them finds no backend again | it waits behind the others, for the next rotation      |
// | a second without another rotation  | the backends that there are get another chance: the    |
// |                                    | last one of a service stays in, though a dial failed   |
// | its time is over, it is one too    | the request gets 503                                   |
// | many, or the service is removed    |                                                        |
//
// A queue apart from that for room at the limits: a request that waits here can't be helped by
// another one that ends.

internal import Balancing
internal import Events
internal import Traffic

/// The requests that wait for one service to have a backend, on one worker. Worker thread only.
final class AwaitingRequests {
    private unowned let pool: BackendPool
    private let requests = RequestQueue()
    private var timer: Timer?
    /// The release under way; nil while none is.
    private var release: QueueRelease?
    /// The last of those that the release is about; later ones have had their turn, or find no
    /// backend.
    private var lastReleased: UInt64 = 0
    /// When it begins again if it is not over, in the loop's nanoseconds: those that went first may
    /// have found no backend.
    private var renewsAt: UInt64 = 0

    /// How soon more of them go, when not all could at once.
    private static let pace = Duration.milliseconds(5)
    /// How soon the backends that there are get another chance.
    private static let secondChance = Duration.seconds(1)

    init(for pool: BackendPool) { self.pool = pool }

    /// How many wait.
    var count: Int { requests.count }

    /// Has `exchange` wait.
    func append(_ exchange: HTTPExchange) {
        requests.append(exchange)
        schedule()
    }

    /// Removes `exchange`, if it waits.
    func remove(_ exchange: HTTPExchange) { requests.remove(exchange) }

    /// The pool has another rotation.
    func rotationChanged() {
        guard requests.count > 0 else { return }
        beginRelease()
        serve()
    }

    /// Answers them all: there will be no backend.
    func refuseAll() {
        while let exchange = requests.first { exchange.giveUp(.noBackend) }
    }

    private func beginRelease() {
        lastReleased = requests.lastTicket
        renewsAt = pool.loop.nowNanoseconds + Self.secondChance.wholeNanoseconds
        release = QueueRelease(
            to: pool.members.count, perBackend: pool.options.policy.limits.releasedFirst,
            answered: pool.answeredCount)
    }

    private func serve() {
        let answered = pool.answeredCount
        while release?.allowsMore(answered: answered) == true, let exchange = next, pool.hasRoom {
            let pick = exchange.pick(pool)
            if pick == .full {
                // One that is bound to a backend holds up no other.
                guard exchange.held.boundTo != nil else { break }
                requests.moveToEnd(exchange)
                continue
            }
            release?.countReleased()
            exchange.leaveQueue(to: pick)
        }
        if next == nil { release = nil }
        schedule()
    }

    /// The next of those that the release is about; nil when all had their turn.
    private var next: HTTPExchange? {
        guard let exchange = requests.first, exchange.queueTicket <= lastReleased else {
            return nil
        }
        return exchange
    }

    private func schedule() {
        guard requests.count > 0, !pool.members.isEmpty else {
            timer?.cancel()
            release = nil
            return
        }
        let timer =
            timer
            ?? Timer(on: pool.loop) { [unowned self] in
                if release == nil || pool.loop.nowNanoseconds >= renewsAt { beginRelease() }
                serve()
            }
        self.timer = timer
        if release != nil {
            timer.schedule(after: Self.pace)
        } else if !timer.isScheduled {
            timer.schedule(after: Self.secondChance)
        }
    }
}
