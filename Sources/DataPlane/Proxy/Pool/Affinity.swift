// Affinity: which requests go to the same backend: by a hash of something in them, or by a cookie
// that names the backend that answered the client first.

internal import Balancing
internal import Endpoints
internal import HTTP1

/// What makes requests go to the same backend, as one worker uses it. Value type.
struct Affinity {
    /// What is hashed; nil unless the policy hashes.
    private let hashBy: BalancerOptions.HashBy?
    /// The name of the field, in small letters, or of the cookie whose value is hashed.
    private let hashedName: [UInt8]
    /// The cookie; nil unless clients stick to backends.
    private let cookie: [UInt8]?
    private let secret: UInt64
    /// `Set-Cookie: NAME=`
    private let lineStart: [UInt8]
    /// The attributes of the cookie: for one session and the whole site, out of reach of scripts
    /// and of requests from other sites.
    private static let lineEnd = Array("; Path=/; HttpOnly; SameSite=Lax\r\n".utf8)

    init(_ options: BalancerOptions) {
        hashBy = options.policy == .consistentHash ? options.hashBy : nil
        hashedName =
            switch options.hashBy {
            case .client, .path: []
            case .header(let name): Array(name.lowercased().utf8)
            case .cookie(let name): Array(name.utf8)
            }
        cookie = options.sticky.cookie.map { Array($0.utf8) }
        secret = options.sticky.seed
        lineStart = Array("Set-Cookie: \(options.sticky.cookie ?? "")=".utf8)
    }

    /// Whether requests have to be read for this.
    var isAsked: Bool { hashBy != nil || cookie != nil }

    /// The hash of the request; a request without what is hashed gets `random`.
    func key(
        of head: borrowing RequestHead, _ bytes: Span<UInt8>, from client: IPAddress,
        random: @autoclosure () -> UInt64
    ) -> UInt64 {
        let range: Range<Int>?
        switch hashBy {
        case nil: return 0
        case .client: return HashKey.of(client)
        case .path: range = Self.path(of: head, bytes)
        case .header: range = head.value(ofField: hashedName, bytes)
        case .cookie: range = head.cookie(hashedName, bytes)
        }
        guard let range, !range.isEmpty else { return random() }
        return HashKey.of(bytes.extracting(range))
    }

    private static func path(
        of head: borrowing RequestHead, _ bytes: Span<UInt8>
    ) -> Range<Int> {
        let target = head.pathAndQuery.bounds
        var end = target.lowerBound
        while end < target.upperBound, bytes[end] != 0x3F { end += 1 }
        return target.lowerBound..<end
    }

    /// The token in the client's cookie, which names a backend; nil without a cookie, or with one
    /// that is none of ours.
    func token(of head: borrowing RequestHead, _ bytes: Span<UInt8>) -> UInt64? {
        guard let cookie, let range = head.cookie(cookie, bytes), range.count == 16 else {
            return nil
        }
        var token: UInt64 = 0
        for index in range {
            let digit: UInt8
            switch bytes[index] {
            case 0x30...0x39: digit = bytes[index] - 0x30
            case 0x61...0x66: digit = bytes[index] - 0x61 + 10
            default: return nil
            }
            token = token << 4 | UInt64(digit)
        }
        return token
    }

    /// Appends the field line that makes a client stick to the backend at `endpoint`, unless the
    /// `token` that it sent names that backend. Appends nothing unless clients stick to backends.
    func appendLine(for endpoint: Endpoint, unless token: UInt64?, to lines: inout [UInt8]) {
        guard cookie != nil else { return }
        let own = Balancer.token(of: endpoint, secret: secret)
        guard own != token else { return }
        lines += lineStart
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(own >> UInt64(shift) & 0xF)
            lines.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
        }
        lines += Self.lineEnd
    }
}
