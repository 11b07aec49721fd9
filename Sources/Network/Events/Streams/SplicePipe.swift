// SplicePipe: bytes on their way from one connection to another that never leave the kernel.
//
// splice(2) moves pages from a socket into a pipe and from there into another socket, where recv
// and send would copy every byte twice: half the cost of bulk. It takes two calls as they do, and a
// pipe with its two descriptors; so a loop keeps a few and hands them out for one step at a time.
// Only a receiver that is slow holds on to one, with what it has not taken yet.

internal import CLinux
internal import Glibc

/// A pipe between two connections. Loop thread only.
final class SplicePipe {
    private let input: Descriptor
    private let output: Descriptor
    /// Bytes inside.
    private(set) var count = 0

    /// 64 pieces of a page or more: beyond this the cost per byte no longer falls.
    private static let wantedBytes: Int32 = 262_144

    /// - Throws: `Errno` when there are no descriptors left.
    init() throws(Errno) {
        var ends: (Int32, Int32) = (-1, -1)
        // The kernel writes both numbers into the tuple, which lives across the call.
        let result = unsafe withUnsafeMutablePointer(to: &ends) {
            unsafe $0.withMemoryRebound(to: Int32.self, capacity: 2) {
                unsafe pipe2($0, O_NONBLOCK | O_CLOEXEC)
            }
        }
        guard result == 0 else { throw Errno.current.counted }
        output = Descriptor(number: ends.0)
        input = Descriptor(number: ends.1)
        // Refused when this user's pipes have all the pages they may have (pipe(7)); a smaller pipe
        // works as well, in more steps.
        _ = fcntl(input.number, F_SETPIPE_SZ, Self.wantedBytes)
    }

    deinit {
        input.close()
        output.close()
    }

    /// Takes what `source` has received, at most `limit` bytes. The pipe must be empty, so that
    /// `wouldBlock` can only mean that there is nothing to take.
    func fill(from source: Descriptor, limit: Int) -> IOResult {
        precondition(count == 0, "a pipe is filled only when it is empty")
        let result = move(from: source, to: input, limit)
        if case .bytes(let moved) = result { count = moved }
        return result
    }

    /// Gives what is inside to `target`, as much as that takes.
    func drain(to target: Descriptor) -> IOResult {
        let result = move(from: output, to: target, count)
        if case .bytes(let moved) = result { count -= moved }
        return result
    }

    private func move(from source: Descriptor, to target: Descriptor, _ limit: Int) -> IOResult {
        while true {
            // No offsets: both ends are streams.
            let moved = splice(
                source.number, nil, target.number, nil, limit,
                UInt32(SPLICE_F_MOVE | SPLICE_F_NONBLOCK))
            if moved > 0 { return .bytes(moved) }
            if moved == 0 { return .endOfStream }
            let error = Errno.current
            if error.rawValue == EINTR { continue }
            return error.isWouldBlock ? .wouldBlock : .failed(error)
        }
    }
}

/// The pipes of one loop. Loop thread only.
final class PipePool {
    private var free: [SplicePipe] = []
    private var inUse = 0

    /// Two descriptors each, which connections may need more.
    private static let inUseMax = 128
    private static let freeMax = 8

    /// An empty pipe; nil when there are no descriptors for one, or enough are in use.
    func take() -> SplicePipe? {
        guard inUse < Self.inUseMax else { return nil }
        guard let pipe = free.popLast() ?? (try? SplicePipe()) else { return nil }
        inUse += 1
        return pipe
    }

    /// Takes back a pipe; one that is not empty is closed, with what is inside.
    func giveBack(_ pipe: SplicePipe) {
        inUse -= 1
        if pipe.count == 0, free.count < Self.freeMax { free.append(pipe) }
    }
}
