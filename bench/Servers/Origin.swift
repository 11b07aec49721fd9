// The origin: a web server that is never what limits a figure. A fixed answer of 65 bytes to every
// request; `/head` is answered with the request's head, which shows what a proxy made of it.

internal import CLibevent
internal import Glibc

/// A client of the origin.
@unsafe private struct Client {
    var event = unsafe CLibevent.event()
    var received = 0
    /// Room for the largest head that a proxy makes of wrk's request.
    var head: (UnsafeMutablePointer<UInt8>)
}

private let headBytesMax = 8_192

/// Serves on `port` for ever.
func runOrigin(port: UInt16) throws -> Never {
    let loop = try Loop()
    let listener = try listeningSocket(port: port)
    prepare(listener)
    let event = UnsafeMutablePointer<event>.allocate(capacity: 1)
    unsafe loop.watch(
        listener, event,
        { listener, _, context in
            // The context is the loop, which outlives its callbacks.
            guard let context = unsafe context else { return }
            let loop = unsafe Unmanaged<Loop>.fromOpaque(context).takeUnretainedValue()
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            prepare(descriptor)
            let client = UnsafeMutablePointer<Client>.allocate(capacity: 1)
            unsafe client.initialize(to: Client(head: .allocate(capacity: headBytesMax)))
            unsafe loop.watch(
                descriptor, &client.pointee.event, onRequest, UnsafeMutableRawPointer(client))
        }, Unmanaged.passUnretained(loop).toOpaque())
    loop.run()
    exit(0)
}

private let answer: StaticString =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK"

private let onRequest: EventCallback = { descriptor, _, context in
    // The context is a live `Client`, freed in one place below.
    guard let client = unsafe context?.assumingMemoryBound(to: Client.self) else { return }
    let head = unsafe client.pointee.head
    let have = unsafe client.pointee.received
    let count = unsafe recv(descriptor, head + have, headBytesMax - have, 0)
    if count < 0, errno == EAGAIN { return }
    guard count > 0 else {
        unsafe event_del(&client.pointee.event)
        close(descriptor)
        unsafe head.deallocate()
        return unsafe client.deallocate()
    }
    let total = have + count
    unsafe client.pointee.received = total
    // Heads without bodies, one at a time: the end of the head is the end of what was received.
    guard total >= 4, unsafe memcmp(head + total - 4, "\r\n\r\n", 4) == 0 else { return }
    unsafe client.pointee.received = 0
    if unsafe memcmp(head, "GET /head ", 10) == 0 {
        let start = Array("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n".utf8)
        unsafe _ = send(descriptor, start, start.count, Int32(MSG_NOSIGNAL))
        unsafe _ = send(descriptor, head, total, Int32(MSG_NOSIGNAL))
    } else {
        unsafe _ = send(descriptor, answer.utf8Start, answer.utf8CodeUnitCount, Int32(MSG_NOSIGNAL))
    }
}
