// TicketKeys: the keys that session tickets are sealed with (RFC 5077, RFC 8446 section 4.6.1).
//
// A ticket holds its session, so that no worker has to remember one, and any of them can resume
// what another began: all share one ring of keys. The newest seals; a few older ones still open
// what they sealed. A key that is gone opens nothing any more: that bounds what is lost with it.
//
// Keys that are given, from a file or by Consul (SharedTicketKeys), go before those that the ring
// makes: then other processes have them as well. An upgrade passes on the rest (`passedOn`).

internal import COpenSSL
internal import Glibc
internal import Locking

/// A ring of ticket keys, which renews itself. Any thread.
package final class TicketKeys: Sendable {
    /// The ring of all servers of this process: a client may resume at any worker, and at any
    /// address that shows the name.
    package static let ofProcess = TicketKeys()

    private let state = Locked<State>(State())
    private let lifetime: Int

    private struct State {
        /// Keys that were given, the first of which seals if `givenSeal` is true; else those that
        /// are made do.
        var given: [TicketKey] = []
        var givenSeal = false
        /// Keys of the ring's own, the newest first, and when each was made, in seconds since the
        /// machine started.
        var made: [(key: TicketKey, at: Int)] = []
        /// Whether any server seals by this ring.
        var isUsed = false
    }

    /// How many keys of its own open tickets, the one that seals among them.
    static let countMax = 3

    /// Keys of which each seals for `lifetime` seconds (at least 1).
    package init(lifetime: Int = 8 * 3600) {
        precondition(lifetime > 0)
        self.lifetime = lifetime
    }

    /// A server seals by the ring from now on. The library is loaded by now.
    func begin() { state.withLock { $0.isUsed = true } }

    /// Puts `keys` in the place of those that were given before: the first seals if `seals` is
    /// true, all open. None, or none that seals: the ring's own seal again.
    package func give(_ keys: [TicketKey], seals: Bool = true) {
        state.withLock {
            $0.given = keys
            $0.givenSeal = seals && !keys.isEmpty
        }
    }

    /// The key to seal a ticket with at `now`; nil when the library has no random bytes.
    func sealing(now: Int) -> TicketKey? { state.withLock { sealing(&$0, now) } }

    private func sealing(_ state: inout State, _ now: Int) -> TicketKey? {
        if state.givenSeal, let first = state.given.first { return first }
        if let newest = state.made.first, now - newest.at < lifetime { return newest.key }
        guard let key = TicketKey.random() else { return nil }
        // A key that is too old goes, however few keys there are.
        let kept = state.made.prefix(Self.countMax - 1).filter { opens(madeAt: $0.at, now: now) }
        state.made = [(key, now)] + kept
        return key
    }

    /// Whether a key of the ring's own still opens tickets at `now`.
    private func opens(madeAt: Int, now: Int) -> Bool {
        now - madeAt < Self.countMax * lifetime
    }

    /// The key of that name, and whether it seals as well; nil when it is gone.
    func opening(name: Span<UInt8>, now: Int) -> (key: TicketKey, isSealing: Bool)? {
        state.withLock { state in
            for (place, key) in state.given.enumerated() where key.isNamed(name) {
                return (key, state.givenSeal && place == 0)
            }
            for (place, made) in state.made.enumerated()
            where made.key.isNamed(name) && opens(madeAt: made.at, now: now) {
                let isSealing = !state.givenSeal && place == 0 && now - made.at < lifetime
                return (made.key, isSealing)
            }
            return nil
        }
    }

    /// The seconds that keys are dated by.
    static var now: Int {
        var time = timespec()
        unsafe _ = clock_gettime(CLOCK_BOOTTIME, &time)
        return time.tv_sec
    }
}

extension TicketKeys {
    // MARK: - An upgrade

    private static let mark = Array("ticket keys 1\n".utf8)

    /// The ring's own keys for the process that takes over, which resumes with them what this one
    /// began; empty when no server of this process speaks TLS. Not to be kept anywhere.
    package var passedOn: [UInt8] {
        let now = Self.now
        return state.withLock { state in
            guard state.isUsed else { return [] }
            // What this process seals from now on has to be opened as well.
            _ = sealing(&state, now)
            guard !state.made.isEmpty else { return [] }
            return state.made.reduce(into: Self.mark) { bytes, made in
                // Seconds since the machine started are the same to both.
                for shift in stride(from: 56, through: 0, by: -8) {
                    bytes.append(UInt8(truncatingIfNeeded: made.at >> shift))
                }
                bytes += made.key.bytes
            }
        }
    }

    /// Takes on keys that another process has passed on, in the place of the ring's own. Bytes that
    /// are something else, as those of another version, are left alone: then sessions of before are
    /// not resumed.
    package func takeOn(_ bytes: [UInt8]) {
        let size = 8 + TicketKey.bytesCount
        let rest = bytes.dropFirst(Self.mark.count)
        guard bytes.starts(with: Self.mark), rest.count % size == 0,
            rest.count / size <= Self.countMax
        else { return }
        var made: [(key: TicketKey, at: Int)] = []
        var place = rest.startIndex
        while place < rest.endIndex {
            let time = rest[place..<place + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard let key = TicketKey(rest[place + 8..<place + size]) else { return }
            made.append((key, Int(truncatingIfNeeded: time)))
            place += size
        }
        state.withLock { $0.made = made }
    }
}

extension TicketKeys {
    // MARK: - For OpenSSL

    /// Prepares OpenSSL to seal a ticket (`isSealing`) or to open one. Its answer as OpenSSL
    /// understands it: -1 for an error, 0 for a ticket of an unknown key, 1 for go on, 2 for go on
    /// and give the client a new ticket.
    ///
    /// `name` has 16 bytes and `iv` 16 of room, both of the ticket.
    func prepare(
        isSealing: Bool, name: UnsafeMutablePointer<UInt8>, iv: UnsafeMutablePointer<UInt8>,
        _ cipher: OpaquePointer, _ mac: OpaquePointer
    ) -> Int32 {
        let now = Self.now
        guard isSealing else {
            let told = unsafe UnsafeBufferPointer(start: name, count: 16)
            guard let (key, isSealing) = unsafe opening(name: told.span, now: now) else { return 0 }
            guard unsafe key.set(mac),
                unsafe openssl().pointee.EVP_DecryptInit_ex(
                    cipher, openssl().pointee.EVP_aes_256_cbc(), nil, key.cipher, iv) == 1
            else { return -1 }
            return isSealing ? 1 : 2
        }
        guard let key = sealing(now: now), let random = TicketKey.randomBytes(16) else { return -1 }
        for index in 0..<16 {
            unsafe name[index] = key.name[index]
            unsafe iv[index] = random[index]
        }
        guard unsafe key.set(mac),
            unsafe openssl().pointee.EVP_EncryptInit_ex(
                cipher, openssl().pointee.EVP_aes_256_cbc(), nil, key.cipher, iv) == 1
        else { return -1 }
        return 1
    }
}
