// RequestState: everything that an exchange knows of its request and of the response, as one value.
// An exchange is used again: a new value in place of the old one is all it takes for the next
// request to find nothing of the one before.

internal import Balancing
internal import HTTP1
internal import Routing

/// What one request needs, from its head to the last byte of its response. Value type, worker
/// thread only.
struct RequestState {
    // MARK: Where it goes

    /// The route that the request came by; nil without routes.
    var route: Route?
    /// What a backend is wanted for, and where the request has been.
    var asking = PickRequest()
    /// The try under way, or the last one.
    var current = Try()
    /// The second try beside it; hardly ever there (HTTPExchange+Hedge.swift).
    var other = Try()
    /// Tries begun, dials that failed included.
    var tries = 0
    /// What they came to.
    var effort = Effort()
    /// What the client's cookie names; nil without one.
    var stickyToken: UInt64?
    /// The backend on which the client has a connection of its own for the service; nearly always
    /// nil.
    var boundTo: PooledBackend?
    /// After how long without a response it is sent to a second backend as well; nil for never.
    var hedgeAfter: Duration?
    /// Whether it counts among the requests that the service may have in flight.
    var isAdmitted = false
    /// Whether it is sent again after its connection broke, if it is of a kind that may be.
    var retriesLoss = true

    // MARK: The request

    var method = Method.other
    /// Of the client's HTTP: 0 or 1.
    var minorVersion = 1
    /// Whether the client lets its connection be used again.
    var clientKeepsAlive = false
    /// Whether the request authenticates the connection on which it goes.
    var authenticatesConnection = false
    /// Whether every body byte received so far is in the exchange's `bodyInHand`, so that a new try
    /// can start over.
    var canReplay = true
    /// Whether the backend has granted a switch before it had all of the request.
    var isSwitchHeld = false
    /// Whether the client has closed its sending side while the response is under way, which most
    /// mean as leaving: it is taken to be gone once the response pauses.
    var clientHasLeft = false
    /// Where the request's body ends.
    var body = BodyTracker(.none)
    /// The protocols that the client offers to switch to, as backends are told; nearly always
    /// empty.
    var upgradeOffer: [UInt8] = []

    // MARK: The response

    var isResponseStarted = false
    var backendKeepsAlive = false
    /// What the client was told about its connection.
    var responseKeepsAlive = false
    /// Interim responses that came before it, by all tries.
    var interimCount = 0
    /// Where the response's body ends.
    var responseBody = BodyTracker(.none)
    /// Set for a client of HTTP/1.0 that gets a chunked body without its chunks.
    var payload: PayloadReader?
    /// What has come of the response's trailer section, which is held until it is whole: a field's
    /// name decides whether it is passed on. Bounded by the body's tracker; nearly always empty.
    var trailers: [UInt8] = []

    // MARK: Times, in the loop's nanoseconds

    var startedAt: UInt64 = 0
    /// When the whole of it has to be over.
    var endsBy: UInt64 = .max
    /// When its response is ended although more would come; `.max` until a response has begun.
    var responseEndsAt: UInt64 = .max

    /// For the access log.
    var figures = ExchangeFigures()

    /// Makes the other try the one that the exchange goes on with.
    mutating func swapTries() { swap(&current, &other) }
}
