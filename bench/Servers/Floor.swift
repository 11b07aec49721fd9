// The floor: what a proxy cannot do without. It receives from one side and sends to the other,
// looks at nothing, and has one backend connection per client connection. What a proxy needs above
// this is its own.

internal import CLibevent
internal import Glibc

/// One side of a relayed connection. Both sides are freed together.
@unsafe private struct Side {
    var readable = unsafe CLibevent.event()
    var writable = unsafe CLibevent.event()
    var descriptor: Int32
    var peer: UnsafeMutablePointer<Side>
    /// The loop's one buffer; nothing is kept in it between two callbacks.
    var scratch: UnsafeMutableRawPointer
    /// For this side, and not yet taken by the kernel; the peer is not read meanwhile.
    var unsent: UnsafeMutableRawPointer?
    var unsentStart = 0
    var unsentCount = 0
}

/// The relay. One per process.
@safe final class Floor {
    private let loop: Loop
    private let backendPort: UInt16
    private let scratch: UnsafeMutableRawPointer
    static let scratchBytes = 65_536

    init(backendPort: UInt16) throws {
        loop = try Loop()
        self.backendPort = backendPort
        unsafe scratch = .allocate(byteCount: Floor.scratchBytes, alignment: 64)
    }

    /// Accepts on `port` and relays forever.
    func run(port: UInt16) throws -> Never {
        let listener = try listeningSocket(port: port)
        prepare(listener)
        let event = UnsafeMutablePointer<event>.allocate(capacity: 1)
        unsafe loop.watch(
            listener, event,
            { listener, _, context in
                // The context is the relay, which `run` never leaves.
                if let context = unsafe context {
                    unsafe Unmanaged<Floor>.fromOpaque(context).takeUnretainedValue().accept(
                        listener)
                }
            }, Unmanaged.passUnretained(self).toOpaque())
        loop.run()
        exit(0)
    }

    private func accept(_ listener: Int32) {
        let client = Glibc.accept(listener, nil, nil)
        guard client >= 0 else { return }
        guard let backend = unsafe loopbackSocket(port: backendPort, { unsafe connect($0, $1, $2) })
        else {
            close(client)
            return
        }
        let sides = UnsafeMutablePointer<Side>.allocate(capacity: 2)
        unsafe sides.initialize(to: Side(descriptor: client, peer: sides + 1, scratch: scratch))
        unsafe (sides + 1).initialize(to: Side(descriptor: backend, peer: sides, scratch: scratch))
        for index in 0..<2 {
            let side = unsafe sides + index
            unsafe prepare(side.pointee.descriptor)
            unsafe loop.watch(
                side.pointee.descriptor, &side.pointee.readable, onReadable,
                UnsafeMutableRawPointer(side))
            unsafe loop.prepareWriting(
                side.pointee.descriptor, &side.pointee.writable, onWritable,
                UnsafeMutableRawPointer(side))
        }
    }
}

private let onReadable: EventCallback = { descriptor, _, context in
    // The context is a live `Side`: both are freed, and their events deleted, in one place below.
    guard let side = unsafe context?.assumingMemoryBound(to: Side.self) else { return }
    let (peer, scratch) = unsafe (side.pointee.peer, side.pointee.scratch)
    let count = unsafe recv(descriptor, scratch, Floor.scratchBytes, 0)
    if count < 0, errno == EAGAIN { return }
    guard count > 0 else { return unsafe end(side) }
    var sent = unsafe send(peer.pointee.descriptor, scratch, count, Int32(MSG_NOSIGNAL))
    if sent == count { return }
    if sent < 0, errno == EAGAIN { sent = 0 }
    guard sent >= 0 else { return unsafe end(side) }
    // The rest waits in a buffer of its own; back-pressure keeps it at this one.
    let rest = UnsafeMutableRawPointer.allocate(byteCount: count - sent, alignment: 1)
    unsafe rest.copyMemory(from: scratch + sent, byteCount: count - sent)
    unsafe peer.pointee.unsent = rest
    unsafe peer.pointee.unsentStart = 0
    unsafe peer.pointee.unsentCount = count - sent
    unsafe event_del(&side.pointee.readable)
    unsafe event_add(&peer.pointee.writable, nil)
}

private let onWritable: EventCallback = { descriptor, _, context in
    // As above.
    guard let side = unsafe context?.assumingMemoryBound(to: Side.self),
        let rest = unsafe side.pointee.unsent
    else { return }
    let (start, count) = unsafe (side.pointee.unsentStart, side.pointee.unsentCount)
    let sent = unsafe send(descriptor, rest + start, count - start, Int32(MSG_NOSIGNAL))
    if sent < 0, errno == EAGAIN { return }
    guard sent >= 0 else { return unsafe end(side) }
    unsafe side.pointee.unsentStart += sent
    guard start + sent == count else { return }
    unsafe rest.deallocate()
    unsafe side.pointee.unsent = nil
    unsafe event_del(&side.pointee.writable)
    unsafe event_add(&side.pointee.peer.pointee.readable, nil)
}

private func end(_ side: UnsafeMutablePointer<Side>) {
    let peer = unsafe side.pointee.peer
    unsafe release(side)
    unsafe release(peer)
    unsafe min(side, peer).deallocate()
}

private func release(_ side: UnsafeMutablePointer<Side>) {
    unsafe event_del(&side.pointee.readable)
    unsafe event_del(&side.pointee.writable)
    close(unsafe side.pointee.descriptor)
    unsafe side.pointee.unsent?.deallocate()
}
