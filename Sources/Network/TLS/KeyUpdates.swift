// KeyUpdates: how often a peer may change its keys (KeyUpdate; RFC 8446, section 4.6.3). OpenSSL
// takes every change, which costs 7 µs, and 15 µs if the peer wants one in return, for 27 bytes
// that it takes to ask: a client that sends nothing else would keep a worker busy with 2 MB/s.
//
// OpenSSL tells of messages of the handshake, which come after it too, and not of records of
// content; so the limit costs those nothing.

internal import COpenSSL

/// The changes of keys that one peer has left. Value type, any thread.
struct KeyUpdateBudget {
    /// When all of it is there again; nil: it is.
    private var fullAt: ContinuousClock.Instant?

    /// Changes at once. Peers make one for some gigabytes, or once in minutes or hours.
    static let burst = 32
    /// How long it takes until there is one more.
    static let interval = Duration.seconds(1)

    /// Takes one change. Returns whether there was one left.
    mutating func take(at now: ContinuousClock.Instant) -> Bool {
        let start = fullAt.map { max($0, now) } ?? now
        guard start - now <= Self.interval * (Self.burst - 1) else { return false }
        fullAt = start + Self.interval
        return true
    }
}

extension TLSLayer {
    /// Has OpenSSL tell of each change of the peer's keys from now on.
    static func watchKeyUpdates(of ssl: OpaquePointer) {
        unsafe openssl().pointee.SSL_set_info_callback(ssl) { ssl, place, _ in
            guard place & SSL_CB_LOOP != 0, let ssl = unsafe ssl else { return }
            // Once for each: after it was read, by a server or a client.
            switch unsafe openssl().pointee.SSL_get_state(ssl) {
            case TLS_ST_SR_KEY_UPDATE, TLS_ST_CR_KEY_UPDATE:
                unsafe TLSLayer.of(ssl)?.keyUpdated()
            default: break
            }
        }
    }
}
