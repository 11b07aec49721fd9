// TicketKeys: the keys that session tickets are sealed with (RFC 5077, RFC 8446 section 4.6.1).
//
// A ticket holds its session, so that no worker has to remember one, and any of them can resume
// what another began: all share one ring of keys. The newest seals; a few older ones still open
// what they sealed. A key that is gone opens nothing any more: that bounds what is lost with it.

internal import COpenSSL
internal import Glibc
internal import Locking

/// A ring of ticket keys, which renews itself. Any thread.
package final class TicketKeys: Sendable {
    /// One key, with the name that tickets carry for it.
    struct Key {
        let name: [UInt8]
        let cipher: [UInt8]
        let mac: [UInt8]
        /// When it was made, in seconds since the machine started.
        let madeAt: Int
    }

    /// The ring of all servers of this process: a client may resume at any worker, and at any
    /// address that shows the name.
    package static let ofProcess = TicketKeys()

    private let keys = Locked<[Key]>([])
    private let lifetime: Int

    /// How many keys open tickets, the one that seals among them.
    static let countMax = 3

    /// Keys of which each seals for `lifetime` seconds (at least 1).
    package init(lifetime: Int = 8 * 3600) {
        precondition(lifetime > 0)
        self.lifetime = lifetime
    }

    /// The key to seal a ticket with at `now`; nil when the library has no random bytes.
    func sealing(now: Int) -> Key? {
        keys.withLock { keys in
            if let newest = keys.first, now - newest.madeAt < lifetime { return newest }
            guard let key = Self.made(at: now) else { return nil }
            // A key that is too old goes, however few keys there are.
            keys = [key] + keys.prefix(Self.countMax - 1).filter { opens($0, now: now) }
            return key
        }
    }

    /// Whether `key` still opens tickets at `now`.
    private func opens(_ key: Key, now: Int) -> Bool {
        now - key.madeAt < Self.countMax * lifetime
    }

    /// The key of that name; nil when it is gone.
    func opening(name: Span<UInt8>, now: Int) -> (key: Key, isNewest: Bool)? {
        keys.withLock { keys in
            for (place, key) in keys.enumerated()
            where key.isNamed(name) && opens(key, now: now) {
                return (key, place == 0 && now - key.madeAt < lifetime)
            }
            return nil
        }
    }

    private static func made(at now: Int) -> Key? {
        guard let name = random(16), let cipher = random(32), let mac = random(32) else {
            return nil
        }
        return Key(name: name, cipher: cipher, mac: mac, madeAt: now)
    }

    private static func random(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        // The array's own memory, for the time of the call.
        let result = unsafe bytes.withUnsafeMutableBufferPointer { room in
            unsafe openssl().pointee.RAND_bytes(room.baseAddress, Int32(room.count))
        }
        return result == 1 ? bytes : nil
    }

    /// The seconds that keys are dated by.
    static var now: Int {
        var time = timespec()
        unsafe _ = clock_gettime(CLOCK_BOOTTIME, &time)
        return time.tv_sec
    }
}

extension TicketKeys.Key {
    func isNamed(_ other: Span<UInt8>) -> Bool {
        guard other.count == name.count else { return false }
        for index in other.indices where other[index] != name[index] { return false }
        return true
    }
}

extension TicketKeys {
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
            guard let (key, isNewest) = unsafe opening(name: told.span, now: now) else { return 0 }
            guard unsafe key.set(mac),
                unsafe openssl().pointee.EVP_DecryptInit_ex(
                    cipher, openssl().pointee.EVP_aes_256_cbc(), nil, key.cipher, iv) == 1
            else { return -1 }
            return isNewest ? 1 : 2
        }
        guard let key = sealing(now: now), let random = Self.random(16) else { return -1 }
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

extension TicketKeys.Key {
    /// Gives `mac` its key and its digest.
    fileprivate func set(_ mac: OpaquePointer) -> Bool {
        unsafe openssl_set_mac_key(mac, self.mac, self.mac.count)
    }
}
