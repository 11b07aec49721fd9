// Heads written to arrays, in just the room that they say they need: a byte more is a crash.

package import HTTP1

extension RequestHead {
    /// Writes the head for a backend to an array, which has just the room that is asked for.
    package func write(
        from bytes: Span<UInt8>, forwarding: borrowing Forwarding, requestID: RequestID? = nil,
        maxForwards: UInt64? = nil, certificateLines: [UInt8] = [], rewrite: PathRewrite? = nil,
        edits: FieldEdits? = nil, trace: OutgoingTrace? = nil, passingUpgrade: Bool = false,
        into out: inout [UInt8]
    ) {
        let room = writtenBytesMax(
            forwarding: forwarding, rewrite: rewrite, edits: edits,
            certificateLines: certificateLines)
        out.append(addingCapacity: room) { (out: inout OutputSpan<UInt8>) in
            write(
                from: bytes, forwarding: forwarding, requestID: requestID,
                maxForwards: maxForwards, certificateLines: certificateLines, rewrite: rewrite,
                edits: edits, trace: trace, passingUpgrade: passingUpgrade, into: &out)
        }
    }
}

extension ResponseHead {
    /// Writes the head for a client to an array, which has just the room that is asked for.
    package func write(
        from bytes: Span<UInt8>, to client: ClientCapabilities, framing: BodyFraming,
        edits: FieldEdits? = nil, into out: inout [UInt8]
    ) {
        out.append(addingCapacity: writtenBytesMax(edits: edits)) {
            (out: inout OutputSpan<UInt8>) in
            write(from: bytes, to: client, framing: framing, edits: edits, into: &out)
        }
    }
}
