// HTTP1Session+Traits: what a session keeps of its connection and of the current request, in a byte
// each: there is a session for every idle client.

extension HTTP1Session {
    /// What becomes of the connection when the exchange is over.
    enum Afterwards: UInt8 {
        /// The connection waits for the next request.
        case keep
        /// The connection ends; nothing more is to come from the client once its request is whole.
        case close
        /// The connection ends, and what the client still sends is read and dropped.
        case linger
    }

    /// What is known of the connection, in a byte: an idle one has to be small.
    struct Condition: OptionSet {
        let rawValue: UInt8
        /// The client has sent its FIN: no more requests will come.
        static let hasEnded = Condition(rawValue: 1)
        /// The session is reading requests that have come.
        static let isProcessing = Condition(rawValue: 2)
        /// An answer could not be written: the connection is reset once its exchange is over.
        static let isBroken = Condition(rawValue: 4)
        /// The next bytes may be the middle of a large body.
        static let isBulk = Condition(rawValue: 8)
        /// The worker keeps connections to backends that are for this client alone.
        static let hasBound = Condition(rawValue: 16)
        /// A request has come on it.
        static let hasServed = Condition(rawValue: 32)
    }

    /// What is known of the current request, in a byte as well.
    struct Traits: OptionSet {
        let rawValue: UInt8
        /// The client lets its connection be used again.
        static let keepsAlive = Traits(rawValue: 1)
        /// The client may send more: it did not say that it closes, or it hopes for a tunnel.
        static let mayGoOn = Traits(rawValue: 2)
        /// The request is a HEAD, whose response has no body.
        static let isHead = Traits(rawValue: 4)
        /// The request is of HTTP/1.0.
        static let isHTTP10 = Traits(rawValue: 8)
        /// All of its body has come.
        static let isWhole = Traits(rawValue: 16)
        /// The framing of its response shows where that ends.
        static let endShows = Traits(rawValue: 32)
        /// The content of its response comes without chunks, and goes on in chunks.
        static let putsChunks = Traits(rawValue: 64)
    }
}
