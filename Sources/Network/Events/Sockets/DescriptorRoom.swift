// DescriptorRoom: how the descriptors that a process may have are shared out when they get few.
// Clients get nine tenths: without the rest no backend could be dialled for those that are
// connected already. Where that is not enough, since most of the clients wait for a backend at
// once, clients get less with each dial that fails for it, down to half. A small part at the end is
// kept from dials as well, for the admin port, checks and discovery, so that an operator can see
// what is wrong.
//
// The kernel always gives the lowest number that is free (POSIX, open(2)), so the number of a new
// descriptor tells how many are in use at least, and no call is needed to ask.

internal import Glibc

/// The limits on descriptor numbers of this process, as one thread keeps them. Value type.
package struct DescriptorRoom: Sendable, Equatable {
    /// How many descriptors the process may have (RLIMIT_NOFILE).
    package private(set) var limit: Int
    /// A client's connection with this number or a higher one is the last that is accepted for now.
    package private(set) var clientsEnd: Int32
    /// When a dial last found no descriptor, in the loop's nanoseconds.
    private var shortAt: UInt64 = 0

    /// For so long without a failed dial, in nanoseconds, clients get no more than they had; then a
    /// step for each such time.
    private static let calm: UInt64 = 1_000_000_000

    /// The shares of `limit` descriptors, at least 1.
    package init(limit: Int) {
        self.limit = limit
        clientsEnd = Int32(clamping: limit - limit / 10)
    }

    /// The shares of what the process may have now.
    package static var current: DescriptorRoom {
        var value = rlimit()
        // The call fills `value`.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &value) == 0 else {
            return DescriptorRoom(limit: .max)
        }
        return DescriptorRoom(limit: max(1, Int(clamping: value.rlim_cur)))
    }

    /// No backend is dialled on a descriptor with this number or a higher one: of 1,024 descriptors
    /// 51 are left, and never more than a burst of checks and some admins need.
    package var dialsEnd: Int32 { Int32(clamping: limit - min(limit / 20, 320)) }

    /// None was left for something, at `now` in the loop's nanoseconds: clients get a sixteenth
    /// less. The limit may have been changed while the process runs (prlimit(1)).
    package mutating func wasShort(now: UInt64) {
        let current = DescriptorRoom.current
        if current.limit != limit { self = current }
        clientsEnd = max(Int32(clamping: limit / 2), clientsEnd - Int32(clamping: limit / 16))
        shortAt = now
    }

    /// Whether another client's connection may be accepted, at `now` in the loop's nanoseconds.
    /// Costs two system calls, so it is for when one was too many.
    package mutating func hasRoomForClients(now: UInt64) -> Bool {
        if now >= shortAt &+ Self.calm {
            shortAt = now
            clientsEnd = min(
                DescriptorRoom(limit: limit).clientsEnd, clientsEnd + Int32(clamping: limit / 64))
        }
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return false }
        Descriptor(number: number).close()
        return number < clientsEnd
    }
}
