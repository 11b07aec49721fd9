// ContentEncoder: content coded as it comes, by zlib, brotli or zstd. It is the one file that calls
// those libraries (Base/CCompression).

internal import CCompression
package import HTTP1

/// Why content can't be coded on this machine: the loader's words.
package struct CompressionUnavailable: Error, CustomStringConvertible, Sendable {
    /// What the loader said.
    package let description: String
}

/// The coding of one stream after the other, in the same memory. One thread at a time.
@safe package final class ContentEncoder {
    /// What becomes of what the encoder has got.
    package enum Operation: Sendable {
        /// The encoder keeps what it likes, so as to make less of it.
        case goOn
        /// All of it comes out, so that the receiver can read it, and the stream goes on.
        case flush
        /// All of it comes out, and the end of the stream.
        case end
    }

    /// What a step came to.
    package enum Step: Equatable, Sendable {
        /// Everything is done.
        case done
        /// There was not enough room: so many bytes of the input were taken, and more room is
        /// needed with the rest.
        case full(taken: Int)
        /// The library has failed, most often for lack of memory: the stream can't go on.
        case failed
    }

    /// The coding, which never changes.
    package let coding: ContentCoding
    // Freed in deinit; used by this object alone.
    private let encoder: OpaquePointer

    /// An encoder; nil when there is no memory for it.
    ///
    /// - Precondition: `load` has succeeded for the coding.
    package init?(_ coding: ContentCoding) {
        precondition(Self.problem(of: coding) == nil, "a coding is used once it is loaded")
        self.coding = coding
        guard let encoder = unsafe compression_make(coding.compression) else { return nil }
        unsafe self.encoder = encoder
    }

    deinit {
        unsafe compression_free(encoder)
    }

    /// Begins a stream, whatever became of the one before. `level` is one of `levels`. False when
    /// there is no memory.
    package func begin(level: Int) -> Bool {
        unsafe compression_begin(encoder, Int32(level))
    }

    /// Takes `input` from `offset` on, and appends what comes of it to `out`, as far as there is
    /// room. After `full` call it again with more room, the same operation, and the offset further
    /// on by what was taken.
    package func run(
        _ operation: Operation, _ input: Span<UInt8>, from offset: Int,
        into out: inout OutputSpan<UInt8>
    ) -> Step {
        let rest = input.extracting(offset..<input.count)
        // Both pointers are used only inside the closures, while the spans live; what was written
        // is initialised.
        let step = unsafe rest.withUnsafeBufferPointer { source in
            unsafe out.withUnsafeMutableBufferPointer { target, initialized in
                guard let to = target.baseAddress else {
                    return compression_step(
                        consumed: 0, written: 0, is_done: false, has_failed: true)
                }
                let step = unsafe compression_run(
                    encoder, operation.compression, source.baseAddress, source.count,
                    to + initialized, target.count - initialized)
                initialized += step.written
                return step
            }
        }
        if step.has_failed { return .failed }
        return step.is_done ? .done : .full(taken: step.consumed)
    }

    /// The most memory that one encoder of a coding takes at any level, in bytes.
    package static func memory(of coding: ContentCoding) -> Int {
        switch coding {
        case .gzip: 272 << 10
        case .brotli: 2 << 20
        case .zstd: 1536 << 10
        }
    }

    /// The levels of a coding. Above them brotli takes more memory than a stream may have.
    package static func levels(of coding: ContentCoding) -> ClosedRange<Int> {
        switch coding {
        case .gzip: 1...9
        case .brotli: 1...8
        case .zstd: 1...12
        }
    }

    // MARK: - The libraries

    /// Loads the library of a coding, at the first call: what needs it calls this before anything
    /// else here. Any thread.
    package static func load(_ coding: ContentCoding) throws(CompressionUnavailable) {
        if let problem = problem(of: coding) { throw CompressionUnavailable(description: problem) }
    }

    private static func problem(of coding: ContentCoding) -> String? {
        switch coding {
        case .gzip: gzipProblem
        case .brotli: brotliProblem
        case .zstd: zstdProblem
        }
    }

    // What went wrong when each was loaded; nil: nothing. Once in a process, at the first look.
    private static let gzipProblem = loaded(.gzip)
    private static let brotliProblem = loaded(.brotli)
    private static let zstdProblem = loaded(.zstd)

    private static func loaded(_ coding: ContentCoding) -> String? {
        // The loader's text, valid until its next call.
        guard let text = unsafe compression_load(coding.compression) else { return nil }
        return unsafe String(cString: text)
    }
}

extension ContentCoding {
    fileprivate var compression: compression_coding {
        switch self {
        case .gzip: compression_gzip
        case .brotli: compression_brotli
        case .zstd: compression_zstd
        }
    }
}

extension ContentEncoder.Operation {
    fileprivate var compression: compression_operation {
        switch self {
        case .goOn: compression_go_on
        case .flush: compression_flush
        case .end: compression_end
        }
    }
}
