// SendBuffer: memory that is rewritten for every head and sent from. An array would do, but for
// what it asks at each of the twenty pieces of a head: whether it is shared, and large enough.

internal import Glibc

/// Bytes on their way out. Loop thread only.
///
/// `public` for the reason that `EventLoop` is.
@safe public final class SendBuffer {
    // `count` bytes of the memory are initialised; freed in deinit, and replaced when it grows.
    @usableFromInline var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// How many bytes are in it.
    @usableFromInline package internal(set) var count = 0
    private let kept: Int

    /// Room for `capacity` bytes (at least 1) at first. When it has grown, `removeAll` releases
    /// memory beyond `kept` bytes.
    package init(capacity: Int, keeping kept: Int) {
        precondition(capacity > 0 && kept >= capacity, "a send buffer keeps what it begins with")
        unsafe base = .allocate(capacity: capacity)
        self.capacity = capacity
        self.kept = kept
    }

    deinit {
        unsafe base.deallocate()
    }

    /// Whether there is nothing in it.
    @inlinable package var isEmpty: Bool { count == 0 }

    /// Empties it.
    package func removeAll() {
        count = 0
        if capacity > kept { move(toCapacity: kept) }
    }

    /// Appends all of `bytes`.
    package func append(_ bytes: Span<UInt8>) {
        makeRoom(for: bytes.count)
        // There is room, as was just made sure; the span keeps its bytes alive.
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            unsafe (base + count).initialize(from: from, count: source.count)
        }
        count += bytes.count
    }

    /// Appends what `write` appends to the room it is given, of which there are `room` bytes.
    @inlinable package func append(room: Int, _ write: (inout OutputSpan<UInt8>) -> Void) {
        makeRoom(for: room)
        // The memory behind what is initialised; `finalize` says how much of it is then.
        let free = unsafe UnsafeMutableBufferPointer(start: base + count, count: room)
        var out = unsafe OutputSpan(buffer: free, initializedCount: 0)
        write(&out)
        count += unsafe out.finalize(for: free)
    }

    /// Writes `number` as 16 lower-case hexadecimal digits in the place of what is in it from
    /// `offset` on.
    ///
    /// - Precondition: there are 16 bytes.
    package func replace(from offset: Int, hexadecimal number: UInt64) {
        precondition(offset >= 0 && offset <= count - 16, "only what is there can be replaced")
        for place in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * place) & 0xF)
            // Inside of what is initialised, as was just made sure.
            unsafe base[offset + place] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
        }
    }

    /// Removes the last `removed` bytes.
    ///
    /// - Precondition: there are as many.
    package func removeLast(_ removed: Int) {
        precondition(removed >= 0 && removed <= count, "only what is there can be removed")
        count -= removed
    }

    /// Writes `bytes` in the place of what is in it from `offset` on.
    ///
    /// - Precondition: there are so many bytes.
    package func replace(from offset: Int, with bytes: Span<UInt8>) {
        precondition(
            offset >= 0 && offset <= count - bytes.count, "only what is there can be replaced")
        for index in bytes.indices {
            // Inside of what is initialised, as was just made sure.
            unsafe base[offset + index] = bytes[index]
        }
    }

    /// Puts `added` spaces before what is in it from `offset` on.
    ///
    /// - Precondition: there is as much; `added` is not negative.
    package func insertSpaces(_ added: Int, at offset: Int) {
        precondition(added >= 0 && (0...count).contains(offset), "only within what is there")
        makeRoom(for: added)
        // The room was just made, and both places are in it.
        unsafe (base + offset + added).update(from: base + offset, count: count - offset)
        for index in offset..<offset + added { unsafe base[index] = 0x20 }
        count += added
    }

    /// Passes what is in it to `body`, which must not change it.
    package func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        // Initialised so far, and neither moved nor freed during the call.
        let bytes = unsafe UnsafeBufferPointer(start: base, count: count)
        return unsafe body(bytes.span)
    }

    @usableFromInline func makeRoom(for added: Int) {
        if added > capacity - count { move(toCapacity: max(2 * capacity, count + added)) }
    }

    private func move(toCapacity larger: Int) {
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        unsafe moved.moveInitialize(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = moved
        capacity = larger
    }
}
