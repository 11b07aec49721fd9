// RequestState: everything that an exchange knows of its request and of the response, as one value.
// An exchange is used again: a new value in place of the old one is all it takes for the next
// request to find nothing of the one before.
//
//   phase        what is going on                             what comes next
//   asking       a service is asked whether it may go on,     choosing, an own answer
//                or its password is being checked
//   choosing     a backend is picked, within one call         queued, awaiting, trying,
//                                                             an own answer
//   queued       no backend, or this machine, has room        choosing, an own answer
//   awaiting     the service has no backend for it            choosing, an own answer
//   pausing      a try failed, the next waits a moment        choosing, an own answer
//   trying       one or two tries, no response yet            choosing, pausing, responding,
//                                                             a relay, an own answer
//   responding   the response is passed on                    its end
//
// In any phase the client may leave, or its time may be over. A try has stages of its own
// (Tries.swift).

internal import Balancing
internal import HTTP1
internal import Routing

/// What one request needs, from its head to the last byte of its response, except what it refers
/// to: without references a reset is one copy. Value type, worker thread only.
struct RequestState {
    /// What is going on with a request (table at the head of this file).
    enum Phase {
        /// A service is asked whether the request may go on, or its password is being checked.
        case asking
        /// A backend is being picked for it.
        case choosing
        /// The request is in the service's queue, until a backend or this machine has room.
        case queued
        /// The request waits for the service to have a backend that may get it.
        case awaiting
        /// A try has failed, and the next one waits a moment.
        case pausing
        /// A try is under way, or two; no response has begun.
        case trying
        /// Its response is passed on: there is no way to another backend.
        case responding
    }

    var phase = Phase.choosing

    // MARK: Where it goes

    /// What the balancer needs to pick a backend, with those that were tried.
    var asking = PickRequest()
    /// The tries under way, or the last one.
    var tries = Tries()
    /// What the tries came to.
    var effort = Effort()
    /// The token in the client's cookie; nil without one.
    var stickyToken: UInt64?
    /// After how long without a response it is sent to a second backend as well; nil for never.
    var hedgeAfter: Duration?
    /// Whether it counts among the requests that the service may have in flight.
    var isAdmitted = false
    /// Whether it is sent again after its connection broke, if it is of a kind that may be.
    var retriesLoss = true

    // MARK: The request

    var method = Method.other
    /// Of the client's HTTP.
    var version = HTTPVersion.http11
    /// Whether its body comes in chunks.
    var isChunked = false
    /// How large its body and that of its response may be.
    var bodyLimits = BodyLimits()
    /// Bytes of the body's payload that came by HTTP/2 without a length.
    var bodyBytes = 0
    /// Whether its body has turned out to be larger than it may be.
    var isTooLarge = false
    /// Whether the client takes trailers of a response, and has said so in HTTP/2 (`te: trailers`).
    var acceptsTrailers = false
    /// Whether all of it has come.
    var isWhole = false
    /// Whether somebody has to say that it may go to a backend.
    var isAsked = false
    /// Whether it has waited for that, or does.
    var hasAsked = false
    /// Whether there is a copy of it for another service, of which not all is here.
    var isMirrored = false
    /// Whether it is such a copy: it is sent once, and waits for nothing.
    var isCopy = false
    /// Whether the request authenticates the connection on which it goes.
    var authenticatesConnection = false
    /// Whether every body byte received so far is in the exchange's `bodyInHand`, so that a new try
    /// can start over.
    var canReplay = true

    // MARK: A call of gRPC

    /// Whether it is one.
    var isCall: Bool {
        get { asking.isCall }
        set { asking.isCall = newValue }
    }
    /// Whether the head of its answer has come, and what that says of the backend waits for the
    /// status.
    var awaitsStatus = false
    /// When its client waits no longer; `.max` when it does not say.
    var callEndsAt: UInt64 = .max
    /// Where in the head `grpc-timeout` is written for each try; 0 for nowhere.
    var timeoutPlace = 0
    /// When a backend is to end it, as far as the head says.
    var timeoutEndsAt: UInt64 = .max

    // MARK: The response

    /// Interim responses that came before it, by all tries.
    var interimCount = 0
    /// Whether the length of the response is unknown, which makes it a stream.
    var isOpenEnded = false
    /// Whether it has become a tunnel in the client's stream.
    var isTunnel = false
    /// Whether the time of that tunnel is over, and it ends as soon as the current frame of its
    /// backend does.
    var isParting = false
    /// Whether there is a rule by which it may be compressed.
    var mayBeCoded = false
    /// The coding that the client likes most of those of the rule; nil for none.
    var acceptedCoding: ContentCoding?
    /// Whether it goes through an encoder.
    var isCoded = false

    // MARK: Times, in the loop's nanoseconds

    var startedAt: UInt64 = 0
    /// When the whole of it has to be over.
    var endsBy: UInt64 = .max
    /// Whether that is what the client wants: then it shows nothing of a backend.
    var isEndOfClient = false
    /// When its response is ended although more would come; `.max` until a response has begun.
    var responseEndsAt: UInt64 = .max

    /// For the access log.
    var figures = ExchangeFigures()
}

/// What one request refers to. Value type, worker thread only.
struct RequestReferences {
    /// The route that the request came by; nil without routes.
    var route: Route?
    /// The backend of the leading try, for the access log; nil without a log.
    var backend: PooledBackend?
    /// The backend on which the client has a connection of its own for the service; nearly always
    /// nil.
    var boundTo: PooledBackend?
    /// The protocols that the client offers to switch to, as passed on; nearly always nil.
    var upgradeOffer: [UInt8]?
    /// Where the frames of a WebSocket end in the client's stream; nil for all else.
    var frames: WebSocketFrames?
    /// How the response may be compressed; nil for not at all.
    var compression: CompressionRule?
    /// What the response goes through; nil unless it is compressed.
    var coded: CodedBody?
    /// The question whether the request may go on, until there is an answer; nearly always nil.
    var auth: AuthRequest?
    /// The check of the password that the request brings, until there is a verdict; nearly always
    /// nil.
    var check: PasswordCheckInProgress?
    /// The copy for another service, until all of the request is here; nearly always nil.
    var mirror: MirrorRequest?

    /// Whether it refers to nothing, as for most requests.
    var isEmpty: Bool {
        route == nil && backend == nil && boundTo == nil && upgradeOffer == nil
            && frames == nil && compression == nil && coded == nil && auth == nil
            && check == nil && mirror == nil
    }
}
