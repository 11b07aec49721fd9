// Trailers of HTTP/2 as the lines of a trailer section of HTTP/1.1 (RFC 9112 section 7.1.2), of
// requests and responses alike.

package import HTTP1

/// The lines of one trailer section, in memory that is kept for the next. What it says is defined
/// after `read` returned `complete`.
package struct TrailerText: ~Copyable {
    private var section = HeadBytes(capacity: 256)

    /// Reserves the memory that every section will use.
    package init() {}

    /// Calls `body` with the lines, without the empty one that ends a section.
    package func withText<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        section.withBytes(0..<section.count, body)
    }

    /// Translates a header block that came behind the content.
    /// - Parameters:
    ///   - rule: what becomes of a field that may not stand there (RFC 9110 section 6.5.1).
    ///   - limits: what the block may come to, counted as those of a head.
    ///   - decoder: that of the connection; the block is decoded to its end whatever it says.
    package mutating func read(
        _ block: Span<UInt8>, rule: TrailerRule, limits: HeadLimits, decoder: inout HPACKDecoder
    ) -> HeadTextOutcome {
        section.truncate(to: 0)
        var reader = BlockReader(block, limits: limits, decoder: &decoder)
        while let field = reader.next(block, decoder: &decoder, to: &section) {
            if let fault = add(field, at: reader.lineStart, rule) {
                reader.refuse(.malformed(fault))
            }
        }
        if reader.outcome != .complete { section.truncate(to: 0) }
        return reader.outcome
    }

    /// Keeps the field whose line begins at `lineStart`, or leaves it out; why not, if it may not
    /// be there.
    private mutating func add(
        _ field: DecodedField, at lineStart: Int, _ rule: TrailerRule
    ) -> HeadFault? {
        if field.name.isPseudo { return .latePseudoField }
        if field.name == .malformed { return .invalidFieldName }
        guard field.isValueValid else { return .invalidFieldValue }
        if field.name.isOfConnection { return .connectionField }
        let name = lineStart..<lineStart + field.nameCount
        guard !section.withBytes(name, { TrailerSection.allows($0) }) else { return nil }
        switch rule {
        case .refuse: return .forbiddenTrailer
        case .leaveOut: section.truncate(to: lineStart)
        }
        return nil
    }
}
