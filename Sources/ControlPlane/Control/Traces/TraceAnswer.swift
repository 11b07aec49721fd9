// TraceAnswer: what follows from what a collector says of spans (OpenTelemetry Protocol, section
// "OTLP/HTTP Response"). Pure: it reads an answer and does nothing.

internal import HTTPClient
internal import JSON

/// What becomes of spans after an attempt to send them.
enum TraceAnswer: Equatable {
    /// The collector has them, but for so many that it did not want, for this reason.
    case taken(rejected: Int, reason: String)
    /// The spans may be sent again, after the time that the collector asks for if it asks for one.
    case again(reason: String, after: Duration?)
    /// The collector will never take them.
    case refused(reason: String)

    /// What an outcome means.
    init(_ outcome: HTTPClient.Outcome) {
        switch outcome {
        case .failed(let failure): self = .again(reason: "\(failure)", after: nil)
        case .response(let response):
            self.init(
                status: response.status, retryAfter: response.retryAfter, body: response.body)
        }
    }

    /// What an answer means.
    init(status: Int, retryAfter: Duration?, body: [UInt8]) {
        switch status {
        case 200..<300:
            // An answer that can't be read says that all was well.
            let part = try? JSON.decode(Reply.self, from: body).partialSuccess
            self = .taken(
                rejected: max(0, part?.rejectedSpans?.count ?? 0), reason: part?.errorMessage ?? "")
        // Those that the protocol names; any other status comes again each time.
        case 429, 502, 503, 504: self = .again(reason: "status \(status)", after: retryAfter)
        default: self = .refused(reason: "status \(status)")
        }
    }

    private struct Reply: Decodable {
        var partialSuccess: Part?
    }

    private struct Part: Decodable {
        var rejectedSpans: Number?
        var errorMessage: String?
    }

    /// 64 bits are text in this JSON; some senders write numbers.
    private struct Number: Decodable {
        let count: Int

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                count = number
            } else {
                count = Int(try container.decode(String.self)) ?? 0
            }
        }
    }
}

/// When spans are sent again. Value type.
struct TracePause {
    /// How many attempts have failed.
    private(set) var failures = 0

    /// How many attempts there are, over some 15 s: other spans wait behind these.
    static let attemptsMax = 5
    /// The longest that a collector can make Fairlead wait.
    static let longest = Duration.seconds(30)

    /// Another attempt has failed. Returns how long to wait; nil when there is no other one.
    /// `after` is the time that the collector asks for.
    mutating func next(after: Duration?) -> Duration? {
        failures += 1
        guard failures < Self.attemptsMax else { return nil }
        let doubled = Duration.seconds(1 << (failures - 1))
        return min(max(doubled, after ?? .zero), Self.longest)
    }
}
