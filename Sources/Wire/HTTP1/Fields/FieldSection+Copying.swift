// What the writers of heads share: the fields that stay are copied in runs, the framing is written
// from its parsed value, so that the next hop cannot read another meaning into the same bytes.

extension BodyFraming {
    /// The most bytes that `writeFields` appends.
    static let fieldsBytesMax = 40

    /// Appends the one field that says this, or none (RFC 9112 section 6).
    func writeFields(into out: inout OutputSpan<UInt8>) {
        switch self {
        case .none, .untilClose: break
        case .chunked: out.append("Transfer-Encoding: chunked\r\n")
        case .length(let length):
            out.append("Content-Length: ")
            out.appendDecimal(length)
            out.append("\r\n")
        }
    }
}

extension FieldSection {
    /// Appends every field line that is neither nominated nor in `dropped`, as it was sent, nor a
    /// twin of one in `droppedTwins`. Lines that stand together are copied together. `length` is
    /// that of the head. What `edits` removes is not copied either.
    func copyFields(
        from bytes: Span<UInt8>, length: Int, but dropped: FieldNames, _ edits: FieldEdits?,
        droppedTwins: FieldNames = FieldNames(), into out: inout OutputSpan<UInt8>
    ) {
        var runStart: UInt32?
        for index in 0..<fields.count {
            let field = fields[index]
            let isEdited = edits?.drops(bytes.extracting(field.name.bounds)) ?? false
            let isDropped =
                isEdited || field.isNominated || dropped.contains(field.known)
                || droppedTwins.contains(field.twin)
            if isDropped || field.isLoose {
                if let start = runStart {
                    out.append(bytes, ByteRange(start: start, end: field.name.start))
                }
                runStart = nil
                if !isDropped { copyLine(field, from: bytes, into: &out) }
            } else if runStart == nil {
                runStart = field.name.start
            }
        }
        // Two bytes before the end of the head the empty line begins.
        if let start = runStart { out.append(bytes, ByteRange(Int(start), length - 2)) }
    }

    /// Appends the line of `field` alone; without the blanks before its colon, if it has some.
    /// Never more bytes than it has.
    func copyLine(_ field: Field, from bytes: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
        if field.isLoose {
            out.append(bytes, field.name)
            out.append(": ")
            out.append(bytes, field.value)
        } else {
            out.append(bytes, ByteRange(start: field.name.start, end: field.value.end))
        }
        out.append("\r\n")
    }
}
