// Tries: the attempts to have one request answered by a backend. An exchange has one under way at a
// time, or two when it is hedged. Each has a slot, which its connection knows: so an event of a
// connection says which try it is about. Effort: what the tries have used up, which limits further
// ones.

internal import Evidence

/// The tries of one request. Value type, worker thread only.
struct Tries {
    /// One of the two places for a try.
    enum Slot: UInt8 {
        case first, second

        /// The other place.
        var other: Slot { self == .first ? .second : .first }
    }

    private var slots = InlineArray<2, Try>(repeating: Try())
    /// The slot of the leading try: the one by which the exchange goes on, or ended. With two under
    /// way it is the one begun last, until either fails or answers.
    var lead = Slot.first
    /// Tries begun, dials that failed included.
    private(set) var count = 0

    subscript(_ slot: Slot) -> Try {
        @inline(__always) _read { yield slots[Int(slot.rawValue)] }
        @inline(__always) _modify { yield &slots[Int(slot.rawValue)] }
    }

    /// The try in the slot `lead`.
    var leading: Try {
        @inline(__always) _read { yield self[lead] }
        @inline(__always) _modify { yield &self[lead] }
    }

    /// Whether the try in `slot` has begun and is not over.
    func isUnderWay(_ slot: Slot) -> Bool {
        // By constant places: by a variable one, all of the array is copied to read from it.
        switch slot {
        case .first: slots[0].isUnderWay
        case .second: slots[1].isUnderWay
        }
    }

    /// Whether any try is under way.
    var areUnderWay: Bool { isUnderWay(.first) || isUnderWay(.second) }

    /// Whether both slots have a try under way.
    var areTwo: Bool { isUnderWay(.first) && isUnderWay(.second) }

    /// Begins a try in a slot that has none under way, and makes it the leading one; `now` is the
    /// loop's clock. Returns the slot.
    ///
    /// - Precondition: not both slots are under way.
    mutating func begin(at now: UInt64) -> Slot {
        if isUnderWay(lead) { lead = lead.other }
        precondition(!isUnderWay(lead), "a request is at two backends at most")
        // The first try begins with the initial state of a new request.
        if count > 0 { self[lead] = Try() }
        count += 1
        self[lead].begunAt = now
        return lead
    }
}

/// What an exchange knows of a try. Value type, worker thread only.
struct Try {
    /// Where the try is.
    var place = Place.nowhere
    /// Whether the backend has granted a switch of protocols before it had all of the request: the
    /// switch waits for the rest.
    var isSwitchGranted = false
    /// What it holds at its backend.
    var hold = BackendRecord.Hold.request
    /// Whether the client has closed its sending side while the response is under way; counted at
    /// the backend.
    var hasClientLeft = false
    /// Whether it came from a backend that was silent.
    var isMoved = false
    /// How many other requests show that it is not this request that silences backends.
    var witnesses = 0

    /// Where a try is.
    enum Place {
        /// The try has not begun, or is over.
        case nowhere
        /// Nothing is sent: its backend is being dialled.
        case dialing(Link<BackendDial>)
        /// Nothing is sent: it waits for a stream of a connection that requests share.
        case awaiting(Link<PooledBackend>)
        /// The head is sent; the body follows, or is sent as well.
        case sent(BackendStream)
    }

    /// Whether the try has begun and is not over.
    var isUnderWay: Bool { if case .nowhere = place { false } else { true } }

    /// The backend's side, once the request is sent there; nil before that and when the try is
    /// over.
    var stream: BackendStream? {
        if case .sent(let stream) = place { stream } else { nil }
    }

    /// The backend where it is; nil when it is at none.
    var backend: PooledBackend? {
        switch place {
        case .nowhere: nil
        case .dialing(let dial): dial.use { $0.backend }
        case .awaiting(let backend): backend.object
        case .sent(let stream): stream.backend
        }
    }

    // MARK: Times, in the loop's nanoseconds

    /// When the request was written.
    var sentAt: UInt64 = 0
    /// When the backend had all of it.
    var awaitedSince: UInt64 = 0
    /// When a byte of a body last moved.
    var movedAt: UInt64 = 0

    // MARK: For the access log

    /// When it began, and when there was a connection; nil for what has not happened.
    var begunAt: UInt64?
    var connectedAt: UInt64?
}

/// What the tries of an exchange have used up so far. Value type, worker thread only.
struct Effort {
    /// Tries that sent the request, or a part of it. One that broke on a kept connection is not
    /// among them, the first time: the connection may just have been too old.
    var sent = 0
    /// How long failed dials took together, in nanoseconds.
    var dialsFailedFor: UInt64 = 0
    /// How the request ends if no other backend can be dialled: as the last dial did.
    var dialsEnd = Ending.notConnected
    /// How often the request has left a backend for its silence.
    var silentMoves = 0
    /// Until when the request waits for this machine to have room for a connection, in the loop's
    /// nanoseconds; 0 if it never had to.
    var shortUntil: UInt64 = 0
    /// Until when the request waits for a backend that may get it, in the loop's nanoseconds; 0 if
    /// it never had to.
    var emptyUntil: UInt64 = 0
    /// Whether a kept connection broke before a response: then the next ones are made again, since
    /// others that are kept may have broken as well.
    var hasBroken = false
    /// Whether a backend has refused it before, and done nothing with it.
    var wasRefused = false
    /// Whether a dial for it has failed for a shortage of this machine.
    var isShort = false
    /// Whether that was a shortage of descriptors: the client's connection is closed to make room.
    var closesClient = false
}
