// TLSTransport: what OpenSSL takes for the socket: bytes that have come, and a buffer for those to
// be sent. One serves all connections of a loop, pointed at one for the time of a call, so that an
// idle connection has none, and bytes are copied no more often than OpenSSL does itself.

internal import COpenSSL
internal import Events

/// The transport of all TLS connections of a loop. Loop thread only.
@safe package final class TLSTransport {
    // OpenSSL's side of it, and the table of its functions; never nil, freed in deinit. Each
    // connection counts a reference to `bio`, whose data is this object: so it must outlive them,
    // which `layers` of a loop see to by keeping it.
    private let bio: OpaquePointer
    private let method: OpaquePointer

    // For the time of a call: what has come, how much of it is taken, and where bytes to be sent
    // go. The span that `input` is of lives as long as the call, and so does the buffer, which is
    // not counted: a request would pay for that twice.
    private var input: UnsafeBufferPointer<UInt8>?
    private var taken = 0
    private var output: Unmanaged<SendBuffer>?
    /// Whether OpenSSL has asked for more than has come, in this call or the last one. It goes back
    /// at once then: the call has failed for no other reason.
    private(set) var hasRefused = false

    // For content of two pieces that goes out as one record. OpenSSL copies it to memory of its
    // own, and on AMD's Zen 3 and 4 `rep movsb` takes many times as long where the target lies a
    // few bytes further in its page than the source (glibc bug 30994): that was a third of 1 MiB
    // responses by HTTP/2. Both are in the heap, often right behind each other, so that it is
    // likely; the content is moved to another place of its page then.
    private let joined = SendBuffer(
        capacity: TLSTransport.recordMax + TLSTransport.displacement.count,
        keeping: TLSTransport.recordMax + TLSTransport.displacement.count)
    private static let displacement = [UInt8](repeating: 0, count: 128)
    private static let pageMask = 4095
    /// Where `joined` begins within its page, and where OpenSSL had the content of its last record.
    private var joinedPlace = 0
    private var recordPlace = 0
    /// The most content of one record (RFC 8446, section 5.1).
    static let recordMax = 1 << 14

    /// A transport without a connection yet. The library is loaded by now.
    package init() {
        guard
            let method = unsafe openssl().pointee.BIO_meth_new(
                Int32(BIO_TYPE_SOURCE_SINK), "fairlead"),
            let bio = unsafe openssl().pointee.BIO_new(method)
        else { preconditionFailure("out of memory") }
        unsafe self.method = method
        unsafe self.bio = bio
        unsafe _ = openssl().pointee.BIO_meth_set_read_ex(method) { bio, bytes, count, read in
            unsafe TLSTransport.with(bio) { unsafe $0.read(into: bytes, count, read) }
        }
        unsafe _ = openssl().pointee.BIO_meth_set_write_ex(method) { bio, bytes, count, written in
            unsafe TLSTransport.with(bio) { unsafe $0.write(bytes, count, written) }
        }
        unsafe _ = openssl().pointee.BIO_meth_set_ctrl(method) { _, command, _, _ in
            // What is written is sent when the call is over; nothing else is known here.
            command == BIO_CTRL_FLUSH ? 1 : 0
        }
        unsafe openssl().pointee.BIO_set_init(bio, 1)
        // A read fails for one reason, that more has to come, and a write never: so they stay.
        unsafe openssl().pointee.BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
        // Unretained: this object frees the BIO.
        unsafe openssl().pointee.BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        joined.append(Self.displacement.span)
        // The address is looked at, and nothing is read by it.
        joinedPlace = joined.withBytes { bytes in
            unsafe bytes.withUnsafeBufferPointer { Int(bitPattern: $0.baseAddress) & Self.pageMask }
        }
    }

    deinit {
        unsafe _ = openssl().pointee.BIO_free(bio)
        unsafe openssl().pointee.BIO_meth_free(method)
    }

    /// Makes this the transport of `ssl`.
    func attach(to ssl: OpaquePointer) {
        unsafe _ = openssl().pointee.BIO_up_ref(bio)
        // For both directions: it takes over the one reference.
        unsafe openssl().pointee.SSL_set_bio(ssl, bio, bio)
    }

    /// Lets OpenSSL read `bytes` and write to `out` while `body` runs. Returns its result and how
    /// many of the bytes were read.
    func use<Result>(
        _ bytes: Span<UInt8>, _ out: SendBuffer, _ body: () -> Result
    ) -> (result: Result, taken: Int) {
        // Both are unset before the span ends.
        unsafe bytes.withUnsafeBufferPointer { input in
            unsafe self.input = unsafe input
            taken = 0
            hasRefused = false
            unsafe output = .passUnretained(out)
            defer {
                unsafe self.input = nil
                unsafe output = nil
            }
            return (body(), taken)
        }
    }

    /// Passes `first` and `second`, together at most a record's content, to `body` as one.
    func join(_ first: Span<UInt8>, _ second: Span<UInt8>, _ body: (Span<UInt8>) -> Void) {
        joined.removeAll()
        let isNear = (recordPlace - joinedPlace) & Self.pageMask < Self.displacement.count
        if isNear { joined.append(Self.displacement.span) }
        let start = joined.count
        joined.append(first)
        joined.append(second)
        joined.withBytes { body($0.extracting(start..<$0.count)) }
    }

    /// Whether there is nothing left to read.
    var isDrained: Bool { unsafe taken == input?.count ?? 0 }

    /// Gives OpenSSL nothing more to read in the call that is under way.
    func stop() {
        unsafe taken = input?.count ?? 0
    }

    // MARK: - For OpenSSL

    @inline(__always)
    private static func with(
        _ bio: OpaquePointer?, _ body: (TLSTransport) -> Int32
    ) -> Int32 {
        guard let data = unsafe openssl().pointee.BIO_get_data(bio) else {
            preconditionFailure("a BIO without a transport")
        }
        // It is alive: connections call it through their layers, which keep it.
        return unsafe Unmanaged<TLSTransport>.fromOpaque(data)._withUnsafeGuaranteedRef(body)
    }

    private func read(
        into bytes: UnsafeMutablePointer<CChar>?, _ room: Int, _ read: UnsafeMutablePointer<Int>?
    ) -> Int32 {
        guard let input = unsafe input, let first = input.baseAddress,
            let bytes = unsafe bytes, taken < input.count
        else {
            hasRefused = true
            unsafe read?.pointee = 0
            return 0
        }
        let count = min(room, input.count - taken)
        // OpenSSL has `room` bytes of room there.
        unsafe UnsafeMutableRawPointer(bytes).copyMemory(
            from: first + taken, byteCount: count)
        taken += count
        unsafe read?.pointee = count
        return 1
    }

    private func write(
        _ bytes: UnsafePointer<CChar>?, _ count: Int, _ written: UnsafeMutablePointer<Int>?
    ) -> Int32 {
        guard let output = unsafe output else {
            preconditionFailure("OpenSSL writes during a call alone")
        }
        // The header of a record comes first (RFC 8446, section 5.1).
        recordPlace = (Int(bitPattern: bytes) + 5) & Self.pageMask
        // OpenSSL lends `count` bytes for the time of the call.
        let lent = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
        unsafe output._withUnsafeGuaranteedRef { output in
            unsafe output.append(lent.bindMemory(to: UInt8.self).span)
        }
        unsafe written?.pointee = count
        return 1
    }
}
