// Writing a body in chunks (RFC 9112 section 7.1).

extension OutputSpan<UInt8> {
    /// Appends `data` as one chunk; nothing for no data, since an empty chunk would end the body.
    /// - Precondition: there is room for it and for `chunkFramingMax` bytes.
    package mutating func appendChunk(_ data: Span<UInt8>) {
        guard !data.isEmpty else { return }
        appendHexadecimal(UInt64(data.count))
        append("\r\n")
        append(data)
        append("\r\n")
    }

    /// Appends the end of a body in chunks. `trailers` are whole field lines that may stand there;
    /// empty for none.
    /// - Precondition: there is room for them and for `chunkFramingMax` bytes.
    package mutating func appendLastChunk(trailers: Span<UInt8> = Span()) {
        append("0\r\n")
        append(trailers)
        append("\r\n")
    }

    /// The most bytes of framing around a chunk, and at the end of a body.
    package static var chunkFramingMax: Int { 20 }
}
