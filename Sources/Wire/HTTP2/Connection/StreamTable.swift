// The streams of a connection. A stream has a slot while anybody works on it; of the others it is
// enough to know how they ended.

/// One stream.
struct HTTP2Stream {
    /// What has happened to it.
    struct State: OptionSet {
        let rawValue: UInt8

        /// The slot is taken.
        static let used = State(rawValue: 0x1)
        /// The peer's side has ended.
        static let remoteClosed = State(rawValue: 0x2)
        /// Our side has ended.
        static let localClosed = State(rawValue: 0x4)
        /// The peer reset it; both sides have ended.
        static let resetByPeer = State(rawValue: 0x8)
        /// We reset it; both sides have ended.
        static let resetByUs = State(rawValue: 0x10)
        /// The peer's first header block has come.
        static let hasHead = State(rawValue: 0x20)
        /// DATA has come.
        static let hasData = State(rawValue: 0x40)
        /// `expected` says how much DATA is still to come.
        static let hasLength = State(rawValue: 0x80)

        static let closed: State = [.remoteClosed, .localClosed]
        static let reset: State = [.resetByPeer, .resetByUs]
    }

    /// 0 while a client has not sent the first header block.
    var id: UInt32
    /// Bytes that we may send; below 0 after the peer made its windows smaller.
    var sendWindow: Int32
    /// Bytes that the peer may still send.
    var receiveWindow: Int32
    /// Bytes given to the caller that it has not given back by `consumed`.
    var held: Int32 = 0
    /// Bytes given back that no WINDOW_UPDATE has told the peer yet.
    var unannounced: Int32 = 0
    var state: State = .used
    /// Bytes of content still to come, if `state` has `hasLength`.
    var expected: UInt64 = 0

    static let none = HTTP2Stream(id: 0, sendWindow: 0, receiveWindow: 0, state: [])

    var isReset: Bool { !state.isDisjoint(with: .reset) }
    var isClosed: Bool { state.isSuperset(of: .closed) }
    /// How it is to be remembered once its slot is free.
    var ending: StreamEnding {
        if state.contains(.resetByUs) { return .resetByUs }
        return state.contains(.resetByPeer) ? .resetByPeer : .ended
    }
}

/// The slots. A stream has one place where it is looked for first, and one near it if that is
/// taken; the table grows to the most streams that there were at a time.
struct StreamTable {
    private(set) var count = 0
    private var streams: [HTTP2Stream] = []

    /// How many slots there are; the highest is one less.
    var slots: Int { streams.count }

    subscript(_ slot: Int) -> HTTP2Stream {
        get { streams[slot] }
        _modify { yield &streams[slot] }
    }

    /// The slot of a stream; nil when it has none.
    func slot(of id: UInt32) -> Int? {
        let mask = streams.count - 1
        var at = Int(id >> 1)
        for _ in 0..<streams.count {
            let slot = at & mask
            if streams[slot].id == id { return slot }
            at &+= 1
        }
        return nil
    }

    /// Takes a slot for `stream`, near where `id` is looked for.
    mutating func insert(_ stream: HTTP2Stream, near id: UInt32) -> Int {
        if count == streams.count {
            // The first slots are few, since most connections have few streams at a time.
            let more = max(4, streams.count)
            streams.append(contentsOf: repeatElement(.none, count: more))
        }
        let mask = streams.count - 1
        var slot = Int(id >> 1) & mask
        while streams[slot].state.contains(.used) { slot = (slot + 1) & mask }
        streams[slot] = stream
        count += 1
        return slot
    }

    mutating func remove(_ slot: Int) {
        streams[slot] = .none
        count -= 1
    }

    /// Gives memory back if there are no streams.
    mutating func freeUnused() { if count == 0 { streams = [] } }
}

/// How a stream ended that has no slot any more.
enum StreamEnding: UInt8 {
    /// None: it was never opened, since a higher one was opened before.
    case neverOpened
    /// Both sides came to their end.
    case ended
    /// The peer reset it.
    case resetByPeer
    /// We reset it: frames that were on their way are ignored (RFC 9113 section 5.1).
    case resetByUs
}

/// How the last 128 streams ended, in two bits each.
struct StreamEndings {
    /// The highest stream that was opened; 0 for none. All streams are a client's: odd.
    private(set) var newest: UInt32 = 0
    // Bit n is of stream `newest - 2n`.
    private var low: UInt128 = 0
    private var high: UInt128 = 0

    /// Streams up to `id` are opened now, or never.
    mutating func open(_ id: UInt32) {
        let steps = newest == 0 ? (id + 1) / 2 : (id - newest) / 2
        low <<= steps  // nothing is left after 128 or more
        high <<= steps
        newest = id
    }

    /// Keeps how a stream ended; nothing if it is too old.
    mutating func close(_ id: UInt32, _ ending: StreamEnding) {
        let age = (newest - id) / 2
        guard age < 128 else { return }
        let bit = UInt128(1) << age
        low = ending.rawValue & 1 != 0 ? low | bit : low & ~bit
        high = ending.rawValue & 2 != 0 ? high | bit : high & ~bit
    }

    /// How a stream ended that is not above `newest` and has no slot; nil if that is forgotten.
    subscript(_ id: UInt32) -> StreamEnding? {
        let age = (newest - id) / 2
        guard age < 128 else { return nil }
        let bits = UInt8(truncatingIfNeeded: low >> age & 1 | (high >> age & 1) << 1)
        return StreamEnding(rawValue: bits)
    }
}
