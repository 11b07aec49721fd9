// The options by which responses are compressed: those of a listener, and what a route says in its
// place.

internal import Compression
internal import HTTP1
internal import Routing
internal import Traffic

extension OptionTable {
    /// `compress: on` is short for `compress: {use: on}`.
    static let compression: [Option<ClientPolicy>] = [
        Option(
            "use", \.compression.codings, .codings,
            "Whether responses are compressed on their way, and by what: `on` is "
                + "`[\(CompressionOptions.allCodings.map(word).joined(separator: ", "))]`. Of the "
                + "codings that a client likes as much the first is used. `on` as soon as types, "
                + "min-size or level is given."),
        Option(
            "types", \.compression.types, .compressedTypes,
            "The media types that are compressed: `text/html`, `text/*` or `*+json`."),
        Option(
            "min-size", \.compression.bytesMin, .size(0...1 << 20),
            "The fewest bytes of a body that are compressed, where its length is known."),
        Option("level.gzip", \.compression.gzip, level(of: .gzip), "How hard gzip tries."),
        Option("level.br", \.compression.brotli, level(of: .brotli), "How hard brotli tries."),
        Option("level.zstd", \.compression.zstd, level(of: .zstd), "How hard zstd tries."),
        Option(
            "memory", \.compressionMemoryMax, .size(1 << 20...64 << 30),
            "The memory that encoders of all listeners may take; further responses of this one go "
                + "as they are."),
    ]

    /// What a route may say about it.
    static let routeCompression: [Option<CompressionOptions.Override>] = [
        Option(
            "use", \.codings, .optional(.codings, "auto"),
            "Whether its responses are compressed, and by what; `auto`: as the listener says."),
        Option(
            "types", \.types, .optional(.compressedTypes, "auto"),
            "The media types that are compressed; `auto`: as the listener says."),
        Option(
            "min-size", \.bytesMin, .optional(.size(0...1 << 20), "auto"),
            "The fewest bytes that are; `auto`: as the listener says."),
        Option(
            "level.gzip", \.gzip, .optional(level(of: .gzip), "auto"),
            "How hard gzip tries; `auto`: as the listener says."),
        Option(
            "level.br", \.brotli, .optional(level(of: .brotli), "auto"),
            "How hard brotli tries; `auto`: as the listener says."),
        Option(
            "level.zstd", \.zstd, .optional(level(of: .zstd), "auto"),
            "How hard zstd tries; `auto`: as the listener says."),
    ]

    private static func level(of coding: ContentCoding) -> ValueKind<Int> {
        .count(ContentEncoder.levels(of: coding))
    }

    /// What operators write for a coding.
    fileprivate static func word(_ coding: ContentCoding) -> String { "\(coding.name)" }
}

extension ValueKind where Value == [ContentCoding] {
    /// Codings, the best first; `on` for all, `off` for none.
    fileprivate static var codings: Self {
        let coding = ValueKind<ContentCoding>.words(
            CompressionOptions.allCodings.map { (OptionTable.word($0), $0) })
        return Self.list(of: coding, mayBeEmpty: false, countMax: ContentCoding.allCases.count)
            .orWords([("on", CompressionOptions.allCodings), ("off", [])])
    }
}

extension ValueKind where Value == [String] {
    /// Media types without parameters, as patterns.
    fileprivate static var compressedTypes: Self {
        .list(of: .mediaTypePattern, mayBeEmpty: false, countMax: 64)
    }
}

extension ValueKind where Value == String {
    /// A media type, all that begin with the same word, or all that end so.
    private static var mediaTypePattern: Self {
        Self("media type", write: { $0 }) { (text) throws(Unexpected) in
            let type = text.lowercased()
            let parts = type.split(separator: "/", omittingEmptySubsequences: false)
            let isGood =
                if type.hasPrefix("*+") {
                    isPlain(type.dropFirst(2))
                } else {
                    parts.count == 2 && isPlain(parts[0]) && (parts[1] == "*" || isPlain(parts[1]))
                }
            guard isGood else {
                throw Unexpected(
                    expected: "a media type without parameters, such as text/html, text/* or "
                        + "*+json")
            }
            return type
        }
    }

    private static func isPlain(_ part: Substring) -> Bool {
        isToken(String(part)) && !part.contains("*")
    }
}
