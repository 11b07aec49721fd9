// What the bytes of a connection come to, one thing at a time.

/// What one step of `HTTP2Connection.next` came to.
package struct HTTP2Step: Equatable, Sendable {
    /// What happened.
    package let event: HTTP2Event
    /// How far the bytes are read; the next step begins there.
    package let end: Int
}

/// Where a header block is.
package enum HTTP2Block: Equatable, Sendable {
    /// In the bytes given to `next`.
    case received(Range<Int>)
    /// In `HTTP2Connection.gathered`, until the next call of `next`.
    case gathered(Range<Int>)
}

/// What happened on a connection. A slot names a stream until it is released.
package enum HTTP2Event: Equatable, Sendable {
    /// All bytes are used up.
    case needMore
    /// A header block of a stream, which has to be decoded. It is the first of its sender on this
    /// stream, or another: a server then knows that these are trailers, and `endsStream` is true; a
    /// client has to tell by the status of the one before. After DATA it is always trailers.
    case headers(slot: Int, HTTP2Block, isFirst: Bool, endsStream: Bool)
    /// A header block that belongs to nobody. It has to be decoded all the same, since the tables
    /// of the two sides would else differ from here on (RFC 9113 section 4.3).
    case discarded(HTTP2Block)
    /// A part of the content of a stream, without padding: bytes of those given to `next`. Never
    /// empty unless it ends the stream. Each byte has to be given back by `consumed`.
    case data(slot: Int, Range<Int>, endsStream: Bool)
    /// The peer reset the stream, or said by GOAWAY that it will do nothing with it, which is
    /// `refusedStream` here. The slot stays until it is released.
    case reset(slot: Int, HTTP2ErrorCode)
    /// The peer broke a rule on the stream, which is now reset. The slot stays until it is
    /// released.
    case streamError(slot: Int, HTTP2ErrorCode, HTTP2Fault)
    /// The peer opened the window of one stream, or with nil that of the connection: `sendRoom` may
    /// have grown.
    case windowOpened(slot: Int?)
    /// SETTINGS came: `peer` may have changed, and with it `sendRoom` of all streams.
    case settings
    /// The answer to `ping` came.
    case pong
    /// The peer takes no more streams. Those that it will do nothing with follow, each as `reset`.
    case goAway(HTTP2ErrorCode)
    /// The peer caused more work than it needs to, and was told to go elsewhere: no stream is
    /// opened any more, and those that are open go on.
    case draining(HTTP2Fault)
    /// The connection is of no more use: what `takeControl` gives is to be sent, and the connection
    /// closed. Nothing but `needMore` comes after this.
    case connectionError(HTTP2ErrorCode, HTTP2Fault)
}
