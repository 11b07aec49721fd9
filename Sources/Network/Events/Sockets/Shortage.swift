// Shortage: what this machine or process can run out of, so that a system call fails, whatever peer
// it was for. Such a failure says nothing about a peer: no backend, nameserver or agent is to
// blame.
//
// The calls that fail count themselves here, in one tally for the process: dials of all kinds,
// accepted connections, pipes. It is written only where a call has failed, so workers share nothing
// while all is well.

internal import Glibc
internal import Synchronization

/// What has run out. Any thread.
package enum Shortage: String, Sendable, CaseIterable {
    /// File descriptors: EMFILE for the process, ENFILE for the whole system.
    case descriptors
    /// Local ports for connections to one address: EADDRNOTAVAIL.
    case ports
    /// Memory or buffers of the kernel: ENOMEM, ENOBUFS.
    case memory
}

extension Errno {
    /// EADDRNOTAVAIL: no local port is left for a connection to that address.
    package static let noLocalPort = Errno(rawValue: EADDRNOTAVAIL)

    /// What has run out on this machine when a call fails with this; nil when the failure is about
    /// something else. EAGAIN is not among them: from a Unix-domain socket it means that the
    /// listener's queue is full, which is the peer's trouble (unix(7)), and `Socket` turns the one
    /// that IP sockets give for a missing local port into `noLocalPort`.
    package var shortage: Shortage? {
        switch rawValue {
        case EMFILE, ENFILE: .descriptors
        case EADDRNOTAVAIL: .ports
        case ENOMEM, ENOBUFS: .memory
        default: nil
        }
    }

    /// Whether this machine has run out of something, whatever peer was to be reached.
    package var isShortage: Bool { shortage != nil }
}

/// How often calls of this process have met a shortage. Any thread.
package enum ShortageTally {
    private static let descriptors = Atomic<Int>(0)
    private static let ports = Atomic<Int>(0)
    private static let memory = Atomic<Int>(0)

    /// Calls that have failed for `shortage` since the process began.
    package static func count(of shortage: Shortage) -> Int {
        switch shortage {
        case .descriptors: descriptors.load(ordering: .relaxed)
        case .ports: ports.load(ordering: .relaxed)
        case .memory: memory.load(ordering: .relaxed)
        }
    }

    /// Counts a call that has failed for `shortage`.
    package static func add(_ shortage: Shortage) {
        switch shortage {
        case .descriptors: descriptors.add(1, ordering: .relaxed)
        case .ports: ports.add(1, ordering: .relaxed)
        case .memory: memory.add(1, ordering: .relaxed)
        }
    }
}

extension Errno {
    /// The error as it is, counted if it is a shortage.
    var counted: Errno {
        if let shortage { ShortageTally.add(shortage) }
        return self
    }
}
