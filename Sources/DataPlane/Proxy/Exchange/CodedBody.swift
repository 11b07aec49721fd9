// CodedBody: the content of a response on its way through an encoder. A worker has as many as were
// in use at once in the last ten seconds, and the memory that they may take together is bounded: an
// encoder has far more than anything else that a request needs, and is held for as long as a slow
// client takes.

internal import AccessLog
internal import Compression
internal import Events
internal import HTTP1

/// One encoder, and what its exchange has to know of it. Worker thread only; used again for one
/// response after the other.
final class CodedBody: Deadlined {
    let encoder: ContentEncoder
    private unowned let worker: Worker
    /// The exchange that it is in use for.
    private var exchange = Link<HTTPExchange>()
    private var isInUse = false
    /// The trailers that follow the content, with their empty line; empty for none.
    var trailers: [UInt8] = []
    /// Bytes of the content that came so far.
    var contentCount = 0
    /// Bytes of it that came since the client was last sent something.
    var arrivedCount = 0
    /// Whether the encoder has failed: the response can't go on.
    var hasFailed = false

    /// How long it is kept unused.
    private static let idleMax: UInt64 = 10_000_000_000

    fileprivate init(_ encoder: ContentEncoder, _ worker: Worker) {
        self.encoder = encoder
        self.worker = worker
        super.init(on: worker.loop)
    }

    /// What it takes, in bytes.
    fileprivate var memory: Int { ContentEncoder.memory(of: encoder.coding) }

    /// What the log shows of it.
    var content: CodedContent { CodedContent(encoder.coding, of: contentCount) }

    /// Takes it into use; `exchange` lives until it is given back.
    fileprivate func begin(for exchange: HTTPExchange) {
        self.exchange = Link(exchange)
        isInUse = true
        deadlineNanoseconds = .max
    }

    fileprivate func end() {
        exchange = Link()
        isInUse = false
        contentCount = 0
        arrivedCount = 0
        hasFailed = false
        if !trailers.isEmpty { trailers = [] }
        deadlineNanoseconds = loop.nowNanoseconds + Self.idleMax
    }

    /// Nothing has come for a while, and what the encoder has is for the client; or nobody has used
    /// it for a longer while.
    override func onDeadline() {
        if isInUse {
            exchange.with { $0.flushCoded() }
        } else {
            worker.codedBodies.drop(self)
        }
    }
}

/// A worker's encoders.
struct CodedBodies {
    /// By the raw value of the coding, the one that was used last at the end.
    private var free: InlineArray<3, [CodedBody]> = [[], [], []]
    /// What all of them take, and what the free ones among them take.
    private var memory = 0
    private var freeMemory = 0

    /// One for a response of `exchange`, at this level; nil when all of them would then take more
    /// memory than `memoryMax`, or there is none.
    mutating func take(
        _ coding: ContentCoding, level: Int, memoryMax: Int, for exchange: HTTPExchange
    ) -> CodedBody? {
        guard let body = takeFree(coding) ?? make(coding, memoryMax, exchange.worker) else {
            return nil
        }
        guard body.encoder.begin(level: level) else {
            memory -= body.memory
            return nil
        }
        body.begin(for: exchange)
        return body
    }

    private mutating func takeFree(_ coding: ContentCoding) -> CodedBody? {
        guard let body = free[Int(coding.rawValue)].popLast() else { return nil }
        freeMemory -= body.memory
        return body
    }

    private mutating func make(
        _ coding: ContentCoding, _ memoryMax: Int, _ worker: Worker
    ) -> CodedBody? {
        let needed = ContentEncoder.memory(of: coding)
        guard memory - freeMemory + needed <= memoryMax else { return nil }
        // Free ones of other codings give way.
        for place in free.indices {
            while memory + needed > memoryMax, let unused = free[place].popLast() {
                freeMemory -= unused.memory
                memory -= unused.memory
            }
        }
        guard let encoder = ContentEncoder(coding) else { return nil }
        memory += needed
        return CodedBody(encoder, worker)
    }

    /// Takes back one that is in use.
    mutating func giveBack(_ body: CodedBody) {
        body.end()
        freeMemory += body.memory
        free[Int(body.encoder.coding.rawValue)].append(body)
    }

    /// Drops one that is free, and its memory.
    mutating func drop(_ body: CodedBody) {
        let place = Int(body.encoder.coding.rawValue)
        guard let index = free[place].firstIndex(where: { $0 === body }) else { return }
        free[place].remove(at: index)
        freeMemory -= body.memory
        memory -= body.memory
    }
}
