// Transfer: what one request and its answer, or one tunnel, are to be, drawn from a seed and
// number. The client and the backend compute the same, so that a request carries nothing but its
// number.

internal import Endpoints
internal import Random

/// How the end of a body is told.
enum BodyFraming { case none, length, chunked, untilClose }

/// How an end breaks off within what it sends.
struct Cut {
    /// Bytes of its own message that it sends before.
    var at: Int
    /// RST; otherwise FIN.
    var isReset: Bool
}

/// How an end writes and reads.
struct Pace {
    /// Bytes of a write at most, for the first 64 writes; then 64 KiB.
    var pieceMax = 1 << 18
    /// Pauses of the whole message, between writes.
    var pauses = 0
    var pauseMilliseconds: Int32 = 0
    /// Milliseconds without a read, once, after the first bytes came.
    var readPause: Int32 = 0
    /// Bytes of a read at most.
    var readMax = 1 << 16

    /// A transfer as fast as it goes.
    init() {}

    /// Drawn.
    init(_ numbers: inout SplitMix64) {
        switch Int.random(in: 0..<10, using: &numbers) {
        case 0: pieceMax = 1
        case 1: pieceMax = Int.random(in: 2...100, using: &numbers)
        case 2...4: pieceMax = Int.random(in: 100...20_000, using: &numbers)
        default: break
        }
        if chance(20, &numbers) {
            pauses = Int.random(in: 1...4, using: &numbers)
            pauseMilliseconds = Int32.random(in: 1...40, using: &numbers)
        }
        if chance(10, &numbers) { readPause = Int32.random(in: 1...150, using: &numbers) }
        if chance(1, &numbers) { readPause = Int32.random(in: 2_100...3_000, using: &numbers) }
        if chance(10, &numbers) { readMax = Int.random(in: 1...4_000, using: &numbers) }
    }
}

/// True in `percent` of a hundred.
func chance(_ percent: Int, _ numbers: inout SplitMix64) -> Bool {
    Int.random(in: 0..<100, using: &numbers) < percent
}

/// The script of one transfer. Value type; every thread computes its own.
struct Transfer {
    enum Kind { case http, upgrade, stream }

    /// The number of the client's connection, and that of the transfer on it.
    let connection: Int
    let index: Int
    /// The last of its connection may end that, or break off.
    let isLast: Bool
    let kind: Kind
    var method = "GET"
    var requestMinor = 1
    var requestFraming = BodyFraming.none
    var expectsContinue = false
    var closes = false
    var halfCloses = false
    var status = 200
    var responseMinor = 1
    var responseFraming = BodyFraming.length
    var interims = 0
    var backendCloses = false
    var hasTrailers = false
    /// Bytes of a field that fills the head, of the request and of the response.
    var requestFill = 0
    var responseFill = 0
    /// Bytes of the request's body before the backend answers; nil answers at its end.
    var earlyAnswerAt: Int?
    /// The client breaks off what it sends.
    var clientCut: Cut?
    /// The client breaks off after so many bytes of the answer.
    var clientLeavesAt: Int?
    /// The backend breaks off what it sends; at 0 it has read the request and says nothing.
    var backendCut: Cut?
    var up: Content
    var down: Content
    var clientPace: Pace
    var backendPace: Pace
    /// Seeds the sizes of chunks.
    let key: UInt64

    /// The name as in targets and messages.
    var name: String { "\(connection).\(index)" }
    var hasResponseBody: Bool { method != "HEAD" && status != 204 && status != 304 }
    var isIdempotent: Bool { method != "POST" }
    /// Whether somebody breaks off on purpose.
    var isCut: Bool { clientCut != nil || backendCut != nil || clientLeavesAt != nil }

    init(seed: UInt64, connection: Int, index: Int, of count: Int, kind: Kind) {
        var numbers = SplitMix64(
            seed: seed &* 0x9E37_79B9 &+ UInt64(connection) &* 64 &+ UInt64(index))
        self.connection = connection
        self.index = index
        self.kind = kind
        isLast = index == count - 1
        key = numbers.next()
        up = Content(key: numbers.next(), length: Self.size(&numbers))
        down = Content(key: numbers.next(), length: Self.size(&numbers))
        clientPace = Pace(&numbers)
        backendPace = Pace(&numbers)
        if kind == .http { drawMessages(&numbers) }
        if kind == .upgrade { (method, status) = ("GET", 101) }
        if isLast { drawEnd(&numbers) }
    }

    private static func size(_ numbers: inout SplitMix64) -> Int {
        switch Int.random(in: 0..<100, using: &numbers) {
        case 0..<10: 0
        case 10..<50: Int.random(in: 1...4_000, using: &numbers)
        case 50..<60:
            (1 << Int.random(in: 9...17, using: &numbers)) + Int.random(in: -1...1, using: &numbers)
        case 60..<97: Int.random(in: 1...100_000, using: &numbers)
        default: Int.random(in: 100_000...2_000_000, using: &numbers)
        }
    }

    private mutating func drawMessages(_ numbers: inout SplitMix64) {
        method =
            ["GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE"]
            .randomElement(using: &numbers) ?? "GET"
        if method == "POST" || method == "PUT" {
            requestFraming = chance(50, &numbers) ? .length : .chunked
            expectsContinue = chance(10, &numbers)
        }
        status =
            [200, 200, 200, 200, 200, 206, 404, 204, 304].randomElement(using: &numbers) ?? 200
        responseFraming = chance(50, &numbers) ? .length : .chunked
        interims = chance(10, &numbers) ? Int.random(in: 1...3, using: &numbers) : 0
        hasTrailers = chance(20, &numbers)
        backendCloses = chance(10, &numbers)
        if chance(5, &numbers) { requestFill = Int.random(in: 1...12_000, using: &numbers) }
        if chance(5, &numbers) { responseFill = Int.random(in: 1...50_000, using: &numbers) }
    }

    private mutating func drawEnd(_ numbers: inout SplitMix64) {
        if kind == .http {
            if chance(15, &numbers) {
                (requestMinor, expectsContinue, interims) = (0, false, 0)
                if requestFraming == .chunked { requestFraming = .length }
            }
            closes = chance(20, &numbers) || requestMinor == 0
            if chance(15, &numbers) { (responseMinor, responseFraming) = (0, .untilClose) }
            if chance(5, &numbers) { responseFraming = .untilClose }
            if responseMinor == 0 || responseFraming == .untilClose { backendCloses = true }
            halfCloses = chance(5, &numbers)
            if requestFraming != .none, !expectsContinue, !halfCloses, chance(10, &numbers) {
                earlyAnswerAt = Int.random(in: 0...up.length, using: &numbers)
            }
        }
        guard chance(35, &numbers) else { return }
        switch Int.random(in: 0..<10, using: &numbers) {
        case 0..<3:
            let length = kind == .http ? requestText.count + requestBody.count : up.length
            guard length > 0, !expectsContinue else { return }
            // A stream that ends by FIN is whole, wherever that is.
            clientCut = Cut(
                at: Int.random(in: 0..<length, using: &numbers),
                isReset: kind != .http || chance(50, &numbers))
        case 3..<5:
            clientLeavesAt = Int.random(in: 0...down.length, using: &numbers)
        default:
            let length = kind == .http ? responseText.count + responseBody.count : down.length
            guard length > 0 else { return }
            let silent = kind == .http && chance(20, &numbers)
            let isPlain = kind != .http || responseFraming == .untilClose
            backendCut = Cut(
                at: silent ? 0 : Int.random(in: 0..<length, using: &numbers),
                isReset: isPlain || chance(50, &numbers))
        }
    }
}

/// All transfers of one client connection.
struct Conversation {
    let number: Int
    let kind: Transfer.Kind
    let transfers: [Transfer]
    /// Whether requests are sent without waiting for answers.
    let isPipelined: Bool

    /// Whether the client breaks off, and what it waits for goes with it.
    var clientLeaves: Bool {
        transfers.contains { $0.clientCut != nil || $0.clientLeavesAt != nil }
    }

    init(seed: UInt64, number: Int) {
        self.number = number
        var numbers = SplitMix64(seed: seed &+ UInt64(number) &* 0x1_0000_0001)
        _ = numbers.next()
        let draw = Int.random(in: 0..<100, using: &numbers)
        kind = draw < 80 ? .http : draw < 88 ? .upgrade : .stream
        let count = kind == .stream ? 1 : Int.random(in: 1...8, using: &numbers)
        let kind = self.kind
        transfers = (0..<count).map { index in
            let isTunnel = kind == .upgrade && index == count - 1
            return Transfer(
                seed: seed, connection: number, index: index, of: count,
                kind: kind == .stream ? .stream : isTunnel ? .upgrade : .http)
        }
        let expects = transfers.contains { $0.expectsContinue }
        isPipelined = kind == .http && !expects && chance(30, &numbers)
    }
}
