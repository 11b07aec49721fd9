// BackendBody: the bytes of made-up bodies. They repeat every 64 bytes and begin the same way each
// time, so a client can check any part of a body by where it stands.

/// Ready bytes to send from, in both framings. Any thread.
struct BackendBody: Sendable {
    /// The content repeats after so many bytes.
    static let period = 64
    /// Bytes of content in each chunk of a chunked body.
    static let chunkBytes = 4096
    /// Bytes of content given to the kernel at once.
    static let pieceBytes = 262_144

    /// A piece, and what lets it begin anywhere in the period.
    private let plain: [UInt8]
    /// Whole chunks: their lines and content, for `chunksPerPiece` of them.
    private let chunks: [UInt8]
    private static let chunksPerPiece = 16
    private static let chunkLine = Array("1000\r\n".utf8)
    private static let framedChunkBytes = chunkLine.count + chunkBytes + 2

    init() {
        let letters = Array(
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n".utf8)
        precondition(letters.count == Self.period)
        var plain: [UInt8] = []
        plain.reserveCapacity(Self.pieceBytes + Self.period)
        while plain.count < Self.pieceBytes + Self.period { plain += letters }
        var chunks: [UInt8] = []
        for _ in 0..<Self.chunksPerPiece {
            chunks += Self.chunkLine + plain[..<Self.chunkBytes] + [0x0D, 0x0A]
        }
        self.plain = plain
        self.chunks = chunks
    }

    /// The range of `bytes` that continues a body at `position` and has `limit` bytes at most.
    func range(at position: UInt64, limit: UInt64) -> Range<Int> {
        let start = Int(position % UInt64(Self.period))
        return start..<start + Int(min(limit, UInt64(Self.pieceBytes)))
    }

    /// What `range(at:limit:)` is a range of.
    var bytes: [UInt8] { plain }

    /// Appends the next chunks of a body of which `remaining` bytes are left, the last chunk
    /// included when they are the last; returns how many bytes of content they carry.
    func appendChunks(remaining: UInt64, to out: inout [UInt8]) -> UInt64 {
        let whole = min(remaining / UInt64(Self.chunkBytes), UInt64(Self.chunksPerPiece))
        out += chunks[..<(Int(whole) * Self.framedChunkBytes)]
        var taken = whole * UInt64(Self.chunkBytes)
        let rest = remaining - taken
        guard rest < Self.chunkBytes else { return taken }
        if rest > 0 {
            out += Array(String(rest, radix: 16).utf8) + [0x0D, 0x0A]
            out += plain[..<Int(rest)] + [0x0D, 0x0A]
            taken += rest
        }
        out += Array("0\r\n\r\n".utf8)
        return taken
    }
}
