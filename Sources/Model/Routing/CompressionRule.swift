// CompressionRule: which responses are compressed on their way to the client. It decides by the
// heads of request and response alone (RFC 9110, sections 8.4, 8.8.3 and 12.5.3).

package import HTTP1

/// Why a response is not compressed where a rule is for it.
package enum UncompressedReason: CaseIterable, Sendable {
    /// The client takes none of the codings, or likes the content better as it is.
    case client
    /// Its media type is none of those that are compressed, or it has none.
    case type
    /// Its content is too small.
    case size
    /// A coding is on it already.
    case coded
    /// Its head says `no-transform`, or what its bytes add up to.
    case fixed
}

/// What becomes of a response. Value type, any thread.
package struct CompressionVerdict: Equatable, Sendable {
    /// What changes in its head; the coding of its content, if it gets one.
    package var change = ContentChange()
    /// Why its content gets no coding; nil where it does, or there is no whole content.
    package var reason: UncompressedReason?

    /// The head stays as it is, for this reason.
    init(_ reason: UncompressedReason?) { self.reason = reason }
}

/// The options in the form in which responses meet them. Immutable, any thread.
package final class CompressionRule: Sendable {
    /// The codings that are used, the best first.
    package let codings: ContentCodings
    /// By the raw value of the coding.
    private let levels: InlineArray<3, Int>
    private let bytesMin: UInt64
    private let whole: [[UInt8]]
    /// Beginnings with their slash, and ends with their plus.
    private let beginnings: [[UInt8]]
    private let ends: [[UInt8]]

    /// Nil where nothing is compressed.
    package init?(_ options: CompressionOptions) {
        guard !options.codings.isEmpty, !options.types.isEmpty else { return nil }
        codings = ContentCodings(options.codings)
        var levels: InlineArray<3, Int> = [0, 0, 0]
        for coding in ContentCoding.allCases {
            levels[Int(coding.rawValue)] = options.level(of: coding)
        }
        self.levels = levels
        // Of no bytes at all every coding makes more.
        bytesMin = UInt64(max(options.bytesMin, 1))
        let types = options.types.map { Array($0.utf8) }
        let star = UInt8(ascii: "*")
        whole = types.filter { !$0.contains(star) }
        beginnings = types.filter { $0.last == star }.map { $0.dropLast() }
        ends = types.filter { $0.first == star && $0.last != star }.map { Array($0.dropFirst()) }
    }

    /// The level at which a coding is used.
    package func level(of coding: ContentCoding) -> Int { levels[Int(coding.rawValue)] }

    /// What becomes of a response whose head was parsed from `bytes`, to a client that likes
    /// `accepted` most of `codings`, or none of them.
    package func verdict(
        on head: borrowing ResponseHead, _ bytes: Span<UInt8>, accepted: ContentCoding?
    ) -> CompressionVerdict {
        // 204 and 205 have no content. A 304 and a 206 speak of content that was, or would have
        // been, sent with a 200: their heads say what its head would have (sections 15.3.7 and
        // 15.4.5).
        let status = head.status
        guard status >= 200, status != 204, status != 205 else { return CompressionVerdict(nil) }
        let isWhole = status != 206 && status != 304
        let facts = head.contentFacts(bytes)
        if facts.isCoded { return CompressionVerdict(isWhole ? .coded : nil) }
        if facts.isFixed { return CompressionVerdict(isWhole ? .fixed : nil) }
        // A 304 need not say what the type is.
        guard facts.type.isEmpty ? status == 304 : covers(bytes.extracting(facts.type.bounds))
        else { return CompressionVerdict(isWhole ? .type : nil) }
        // What is known to be small goes to every client alike, so that it says nothing of
        // Accept-Encoding either.
        if isWhole, let length = head.declaredLength, length < bytesMin {
            return CompressionVerdict(.size)
        }
        var verdict = CompressionVerdict(nil)
        verdict.change.addsVary = !facts.varies
        guard isWhole, !facts.isPart else {
            // The tag in a 304 is that of what the client got, which was compressed.
            verdict.change.weakensTag = status == 304 && accepted != nil
            return verdict
        }
        guard let accepted else {
            verdict.reason = .client
            return verdict
        }
        verdict.change.weakensTag = true
        verdict.change.coding = accepted
        return verdict
    }

    /// Whether content of this media type, with its parameters, is compressed. gRPC compresses by
    /// itself, message by message, and its messages may not wait for each other.
    package func covers(_ type: Span<UInt8>) -> Bool {
        var end = 0
        while end < type.count, type[end] != UInt8(ascii: ";") { end += 1 }
        while end > 0, Characters.isBlank(type[end - 1]) { end -= 1 }
        let type = type.extracting(0..<end)
        if Self.begins(type, with: Self.grpc) { return false }
        for candidate in whole where candidate.isEqual(toLowercasedOf: type) { return true }
        if Self.eventStream.isEqual(toLowercasedOf: type) { return false }
        for beginning in beginnings where Self.begins(type, with: beginning) { return true }
        for suffix in ends where type.count > suffix.count {
            let rest = type.extracting(type.count - suffix.count..<type.count)
            if suffix.isEqual(toLowercasedOf: rest) { return true }
        }
        return false
    }

    private static let grpc = Array("application/grpc".utf8)
    private static let eventStream = Array("text/event-stream".utf8)

    private static func begins(_ type: Span<UInt8>, with beginning: [UInt8]) -> Bool {
        type.count >= beginning.count
            && beginning.isEqual(toLowercasedOf: type.extracting(0..<beginning.count))
    }
}
