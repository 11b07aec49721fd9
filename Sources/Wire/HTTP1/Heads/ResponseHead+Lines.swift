// Single field lines of a response, for answers that are not passed on as they are.

extension ResponseHead {
    /// Appends the lines of the fields with these names, each with its end, but hop-by-hop ones.
    package func appendLines(
        of names: borrowing FieldList, from bytes: Span<UInt8>, to out: inout [UInt8]
    ) {
        for index in 0..<fieldCount {
            let field = field(index)
            guard names.contains(bytes.extracting(field.name.bounds)), isPassed(field) else {
                continue
            }
            append(field, from: bytes, to: &out)
        }
    }

    /// Appends the lines of all fields that may be passed on, each with its end: to `content` those
    /// that describe the body, but its length, and the others to `out`.
    package func appendLines(
        from bytes: Span<UInt8>, to out: inout [UInt8], content: inout [UInt8]
    ) {
        for index in 0..<fieldCount {
            let field = field(index)
            guard isPassed(field) else { continue }
            let name = bytes.extracting(field.name.bounds)
            if name.count > Self.contentPrefix.utf8CodeUnitCount,
                name.extracting(first: Self.contentPrefix.utf8CodeUnitCount).isEqualIgnoringCase(
                    to: "content-")
            {
                append(field, from: bytes, to: &content)
            } else {
                append(field, from: bytes, to: &out)
            }
        }
    }

    private static var contentPrefix: StaticString { "content-" }

    private func isPassed(_ field: Field) -> Bool {
        guard !field.isNominated, !field.framesMessage else { return false }
        return switch field.known {
        case .trailer: false
        default: !FieldNames.hopByHop.contains(field.known)
        }
    }

    private func append(_ field: Field, from bytes: Span<UInt8>, to out: inout [UInt8]) {
        out.append(bytes.extracting(field.name.bounds))
        out.append(": ")
        out.append(bytes.extracting(field.value.bounds))
        out.append("\r\n")
    }
}
