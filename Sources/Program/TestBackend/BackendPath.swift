// BackendPath: what a request's path asks the test backend for. The path is the whole protocol, so
// that any load generator can ask for anything.

/// What is to be done with a request.
struct BackendPlan: Equatable, Sendable {
    /// What the response says.
    enum Content: Equatable, Sendable {
        /// A fixed text, in full.
        case text(StaticText)
        /// The backend's name.
        case name
        /// So many bytes, with a Content-Length, or in chunks.
        case bytes(UInt64, isChunked: Bool)
        /// The request's body, as it comes and framed as it is.
        case echo
        /// The request's head, as it came.
        case head
    }

    /// Texts that are known beforehand.
    enum StaticText: Equatable, Sendable { case ok, status, failure, paths, badNumber }

    var status = 200
    var content = Content.name
    /// Milliseconds between the end of the request and the answer.
    var delay = 0
}

extension BackendPlan {
    /// The largest body that is made: 1 TiB.
    private static let bytesMax: UInt64 = 1 << 40
    /// The longest delay: 10 minutes.
    private static let delayMax: UInt64 = 600_000

    /// The plan for `path`, which may end with a query. `flaky` says whether it is this request's
    /// turn to fail, given the percentage.
    init(_ path: Span<UInt8>, flaky: (UInt64) -> Bool) {
        var end = 0
        while end < path.count, path[end] != UInt8(ascii: "?") { end += 1 }
        var slash = 1
        while slash < end, path[slash] != UInt8(ascii: "/") { slash += 1 }
        let name = path.extracting(min(1, end)..<min(slash, end))
        let argument = path.extracting(min(slash + 1, end)..<end)

        if slash >= end {
            if name.isEmpty {
                self.init()
            } else if name.isEqual("echo") {
                self.init(content: .echo)
            } else if name.isEqual("head") {
                self.init(content: .head)
            } else if name.isEqual("health") {
                self.init(content: .text(.ok))
            } else {
                self.init(status: 404, content: .text(.paths))
            }
            return
        }
        if name.isEqual("bytes"), let count = argument.number(0...Self.bytesMax) {
            self.init(content: .bytes(count, isChunked: false))
        } else if name.isEqual("chunked"), let count = argument.number(0...Self.bytesMax) {
            self.init(content: .bytes(count, isChunked: true))
        } else if name.isEqual("delay"), let delay = argument.number(0...Self.delayMax) {
            self.init(delay: Int(delay))
        } else if name.isEqual("status"), let status = argument.number(200...599) {
            self.init(status: Int(status), content: .text(.status))
        } else if name.isEqual("flaky"), let percentage = argument.number(0...100) {
            self.init()
            if flaky(percentage) {
                status = 500
                content = .text(.failure)
            }
        } else {
            let isKnown =
                name.isEqual("bytes") || name.isEqual("chunked") || name.isEqual("delay")
                || name.isEqual("status") || name.isEqual("flaky")
            self.init(
                status: isKnown ? 400 : 404, content: .text(isKnown ? .badNumber : .paths))
        }
    }
}

extension BackendPlan.StaticText {
    /// The text, with its line end.
    var text: StaticString {
        switch self {
        case .ok: "OK\n"
        case .status: "As asked.\n"
        case .failure: "It was this request's turn to fail.\n"
        case .paths:
            """
            Found another path, expected one of:
              /            the name of this backend
              /health      200
              /bytes/N     N bytes
              /chunked/N   N bytes, in chunks
              /delay/MS    the name, after MS milliseconds
              /status/N    that status, 200 to 599
              /flaky/P     500 for P of each 100 requests
              /echo        the request's body
              /head        the request's head

            """
        case .badNumber:
            """
            Found a bad number in the path, expected: /bytes/N and /chunked/N with N up to \
            1099511627776, /delay/MS up to 600000, /status/N from 200 to 599, /flaky/P up to 100.

            """
        }
    }
}

/// Decides which requests of a row fail: of each hundred exactly the percentage, spread evenly.
struct FlakyTurns {
    private var debt: UInt64 = 0

    /// Whether the next request, of which `percentage` (0 to 100) should fail, does.
    mutating func next(_ percentage: UInt64) -> Bool {
        debt += percentage
        guard debt >= 100 else { return false }
        debt -= 100
        return true
    }
}

extension Span<UInt8> {
    fileprivate func isEqual(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        // The pointer of a static string is valid forever, and `count` bytes long.
        for index in indices where unsafe self[index] != text.utf8Start[index] { return false }
        return true
    }

    /// The decimal number that the bytes spell; nil when it is none, or not in `range`.
    fileprivate func number(_ range: ClosedRange<UInt64>) -> UInt64? {
        guard !isEmpty else { return nil }
        var value: UInt64 = 0
        for index in indices {
            let digit = self[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carries) = tens.addingReportingOverflow(UInt64(digit))
            guard !overflow, !carries else { return nil }
            value = sum
        }
        return range.contains(value) ? value : nil
    }
}
