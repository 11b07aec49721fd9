// IPAddress: the one form in which every module holds an address, so that a DNS answer, a backend's
// identity, a socket and a configuration line can be compared without conversion.

internal import Glibc

/// An IPv4 or IPv6 address as plain numbers. Value type, any thread.
///
/// An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) is never held as `.v6` when it came through
/// `init(v6:)`: one host has one identity, whichever socket family it was seen on.
package enum IPAddress: Hashable, Sendable {
    /// The 32 bits in host byte order: `127.0.0.1` is `0x7f00_0001`.
    case v4(UInt32)
    /// The upper and the lower 64 bits in host byte order: `::1` is `(0, 1)`.
    case v6(UInt64, UInt64)

    /// Sixteen bytes' worth of address; an IPv4-mapped one becomes `.v4` (RFC 4291, section
    /// 2.5.5.2).
    package init(high: UInt64, low: UInt64) {
        if high == 0, low >> 32 == 0xffff {
            self = .v4(UInt32(truncatingIfNeeded: low))
        } else {
            self = .v6(high, low)
        }
    }

    /// The address that `text` spells in dotted decimal or RFC 4291 form, without brackets, zone or
    /// port; nil when it spells none.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        var four = in_addr()
        if unsafe inet_pton(AF_INET, text, &four) == 1 {
            self = .v4(UInt32(bigEndian: four.s_addr))
            return
        }
        var six = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        self.init(six)
    }

    init(_ six: in6_addr) {
        let halves = unsafe withUnsafeBytes(of: six) { bytes in
            (
                unsafe UInt64(bigEndian: bytes.load(fromByteOffset: 0, as: UInt64.self)),
                unsafe UInt64(bigEndian: bytes.load(fromByteOffset: 8, as: UInt64.self))
            )
        }
        self.init(high: halves.0, low: halves.1)
    }

    /// 127.0.0.1.
    package static let loopback = IPAddress.v4(0x7f00_0001)
    /// The IPv6 wildcard `::`; a listener on it accepts IPv4 too.
    package static let any = IPAddress.v6(0, 0)

    /// Whether it stands for every address of its family: `::` or 0.0.0.0.
    package var isWildcard: Bool { self == .any || self == .v4(0) }

    /// Whether both are the same address of the same family. What the compiler writes by itself
    /// would be a call for other modules, in each request.
    @inlinable package static func == (one: IPAddress, other: IPAddress) -> Bool {
        switch (one, other) {
        case (.v4(let one), .v4(let other)): one == other
        case (.v6(let high, let low), .v6(let otherHigh, let otherLow)):
            high == otherHigh && low == otherLow
        case (.v4, .v6), (.v6, .v4): false
        }
    }

    /// Bits of an address of its family: 32 or 128.
    package var bitWidth: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    /// Whether packets to it stay on this machine (127.0.0.0/8 or ::1).
    package var isLoopback: Bool {
        switch self {
        case .v4(let bits): bits >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted decimal, or RFC 5952 text without brackets.
    package var description: String {
        var text: [UInt8] = []
        appendText(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the same as ASCII bytes, without making a String.
    package func appendText(to out: inout [UInt8]) {
        // INET6_ADDRSTRLEN bytes are what inet_ntop needs at most; it cannot fail then, and ends
        // what it writes with a zero.
        var text = InlineArray<46, CChar>(repeating: 0)
        var span = text.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer { buffer in
            switch self {
            case .v4(let bits):
                var bytes = bits.bigEndian
                unsafe _ = inet_ntop(AF_INET, &bytes, buffer.baseAddress, socklen_t(buffer.count))
            case .v6(let high, let low):
                var bytes = (high.bigEndian, low.bigEndian)
                unsafe _ = inet_ntop(AF_INET6, &bytes, buffer.baseAddress, socklen_t(buffer.count))
            }
        }
        for index in text.indices {
            if text[index] == 0 { return }
            out.append(UInt8(bitPattern: text[index]))
        }
    }
}

extension IPAddress: Comparable {
    /// IPv4 before IPv6, then by number: a stable order for display and for tests.
    package static func < (left: IPAddress, right: IPAddress) -> Bool {
        switch (left, right) {
        case (.v4(let a), .v4(let b)): a < b
        case (.v4, .v6): true
        case (.v6, .v4): false
        case (.v6(let a, let b), .v6(let c, let d)): (a, b) < (c, d)
        }
    }
}
