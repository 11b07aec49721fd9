// CompressionOptions: how responses are compressed, as operators say it, with the defaults.

package import HTTP1

/// How responses are compressed. Value type, any thread.
package struct CompressionOptions: Sendable, Equatable {
    /// The codings that are used, the best first; of those that a client likes as much, the first
    /// is taken. None by default: compression takes time of the processor, and where a secret and
    /// what an attacker says are in one response, its length tells of the secret (BREACH).
    package var codings: [ContentCoding] = []
    /// Media types without parameters, in lower case. `text/*` stands for all that begin so but
    /// `text/event-stream`, and `*+json` for all that end so.
    package var types = Self.textTypes
    /// The fewest bytes of content that are worth it: less fits into one packet in either case.
    package var bytesMin = 1024
    /// The level of gzip, 1 to 9. Higher ones than the default save less than 2 % of a text, for
    /// twice the time and more.
    package var gzip = 4
    /// The level of brotli, 1 to 8.
    package var brotli = 4
    /// The level of zstd, 1 to 12.
    package var zstd = 3

    /// The defaults.
    package init() {}

    /// All codings, the one first that saves most for the time that it takes.
    package static let allCodings: [ContentCoding] = [.zstd, .brotli, .gzip]

    /// What shrinks, and is common on the web. Pictures, sound, video and archives are compressed
    /// already.
    package static let textTypes = [
        "text/*", "application/json", "application/javascript", "application/xml",
        "application/wasm", "application/x-ndjson", "application/x-javascript", "*+json", "*+xml",
        "font/otf", "font/ttf", "application/vnd.ms-fontobject", "image/bmp",
        "image/vnd.microsoft.icon", "image/x-icon",
    ]

    /// The level of a coding.
    package func level(of coding: ContentCoding) -> Int {
        switch coding {
        case .gzip: gzip
        case .brotli: brotli
        case .zstd: zstd
        }
    }

    /// The options of a route that says `override` in the place of its listener, whose options
    /// these are. One that says how means that it is to be done.
    package func overridden(by override: Override) -> CompressionOptions {
        guard override != Override() else { return self }
        var options = self
        options.codings =
            override.codings ?? (codings.isEmpty ? Self.allCodings : codings)
        if let types = override.types { options.types = types }
        if let bytesMin = override.bytesMin { options.bytesMin = bytesMin }
        if let gzip = override.gzip { options.gzip = gzip }
        if let brotli = override.brotli { options.brotli = brotli }
        if let zstd = override.zstd { options.zstd = zstd }
        return options
    }

    /// What a route says in the place of its listener; nil leaves what that says.
    package struct Override: Sendable, Equatable {
        /// The codings that are used; empty for not at all.
        package var codings: [ContentCoding]?
        /// The media types that are compressed, in lower case.
        package var types: [String]?
        /// The fewest bytes of content that are compressed.
        package var bytesMin: Int?
        /// The level of gzip.
        package var gzip: Int?
        /// The level of brotli.
        package var brotli: Int?
        /// The level of zstd.
        package var zstd: Int?

        /// Nothing.
        package init() {}
    }
}
