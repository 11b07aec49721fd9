// SocketAddress: an Endpoint in the form that the kernel reads, and back; and the path of a
// Unix-domain socket in that form.

internal import Endpoints
internal import Glibc

extension Endpoint {
    var family: Int32 {
        switch address {
        case .v4: AF_INET
        case .v6: AF_INET6
        }
    }

    /// Calls `body` with this endpoint as a sockaddr that lives for the call.
    func withSocketAddress<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        switch address {
        case .v4(let bits):
            var value = sockaddr_in()
            value.sin_family = sa_family_t(AF_INET)
            value.sin_port = port.bigEndian
            value.sin_addr.s_addr = bits.bigEndian
            return unsafe pass(&value, body)
        case .v6(let high, let low):
            var value = sockaddr_in6()
            value.sin6_family = sa_family_t(AF_INET6)
            value.sin6_port = port.bigEndian
            value.sin6_scope_id = zone
            unsafe withUnsafeMutableBytes(of: &value.sin6_addr) { bytes in
                unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
                unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return unsafe pass(&value, body)
        }
    }

    private func pass<Address, R>(
        _ value: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) -> R {
        // Every sockaddr_* begins with the fields of sockaddr: that is how the kernel reads it.
        unsafe withUnsafePointer(to: &value) { pointer in
            unsafe body(
                UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<Address>.size))
        }
    }

    /// The endpoint that the kernel wrote; nil for a family other than IPv4 and IPv6.
    init?(_ storage: sockaddr_storage) {
        let family = Int32(storage.ss_family)
        let endpoint: Endpoint? = unsafe withUnsafeBytes(of: storage) { bytes in
            switch family {
            case AF_INET:
                // sockaddr_storage is large and aligned enough for each family's form.
                let value = unsafe bytes.load(as: sockaddr_in.self)
                return Endpoint(
                    .v4(UInt32(bigEndian: value.sin_addr.s_addr)), UInt16(bigEndian: value.sin_port)
                )
            case AF_INET6:
                let value = unsafe bytes.load(as: sockaddr_in6.self)
                let high = unsafe bytes.load(fromByteOffset: 8, as: UInt64.self)
                let low = unsafe bytes.load(fromByteOffset: 16, as: UInt64.self)
                return Endpoint(
                    IPAddress(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low)),
                    UInt16(bigEndian: value.sin6_port), zone: value.sin6_scope_id)
            default:
                return nil
            }
        }
        guard let endpoint else { return nil }
        self = endpoint
    }
}

/// The path of a Unix-domain socket as the kernel reads it, or its name in the abstract namespace,
/// written with an `@` in front (unix(7)).
struct UnixSocketAddress {
    private var value = sockaddr_un()
    private var length = socklen_t(MemoryLayout<sockaddr_un>.size)

    /// - Throws: `Errno`: ENOENT for an empty path, which the kernel would take for an unnamed
    ///   socket; EINVAL for one with a NUL; ENAMETOOLONG for one that leaves no room for its NUL.
    init(_ path: String) throws(Errno) {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty else { throw Errno(rawValue: ENOENT) }
        guard !bytes.contains(0) else { throw Errno(rawValue: EINVAL) }
        guard bytes.count <= Target.unixPathBytesMax else { throw Errno(rawValue: ENAMETOOLONG) }
        value.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &value.sun_path) { room in
            // The rest stays zero, and with it the NUL behind the path.
            unsafe room.copyBytes(from: bytes)
            // An abstract name begins with a NUL and ends where its length says.
            if bytes[0] == UInt8(ascii: "@") { unsafe room[0] = 0 }
        }
        if bytes[0] == UInt8(ascii: "@") {
            length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        }
    }

    /// Calls `body` with this address as a sockaddr that lives for the call.
    func withSocketAddress<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        // A sockaddr_un begins with the fields of sockaddr: that is how the kernel reads it.
        unsafe withUnsafePointer(to: value) { pointer in
            unsafe body(
                UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                length)
        }
    }
}
