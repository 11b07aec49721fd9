// ReceivedSpan: a span as a collector reads it.

import Events
import JSON
import TestSupport
import Traces

/// A span that a proxy has made.
struct ReceivedSpan: Decodable {
    struct Attribute: Decodable {
        struct Value: Decodable {
            var stringValue: String?
            var intValue: String?
            var boolValue: Bool?
        }

        var key: String
        var value: Value
    }

    struct Link: Decodable {
        var traceId: String
        var spanId: String
    }

    struct Status: Decodable {
        var code: Int
    }

    var traceId: String
    var spanId: String
    var parentSpanId: String?
    var flags: Int
    var name: String
    var kind: Int
    var startTimeUnixNano: String
    var endTimeUnixNano: String
    var attributes: [Attribute]
    /// Nil for none.
    var links: [Link]?
    var status: Status?

    /// When it began and ended, in nanoseconds since 1970.
    var start: UInt64 { UInt64(startTimeUnixNano) ?? 0 }
    var end: UInt64 { UInt64(endTimeUnixNano) ?? 0 }

    /// Whether it is of a request, and not of a try.
    var isServer: Bool { kind == 2 }

    /// The value of an attribute as text; nil for none.
    subscript(_ key: String) -> String? {
        let found = attributes.filter { $0.key == key }
        guard let value = found.first?.value, found.count == 1 else { return nil }
        return value.stringValue ?? value.intValue ?? value.boolValue.map { "\($0)" }
    }

    /// What workers have handed over to `spool`, which have ended.
    static func all(in spool: SpanSpool) throws -> [ReceivedSpan] {
        let loop = EventLoop()
        var spans: [ReceivedSpan] = []
        var problem: JSON.Malformed?
        let reader = try MailboxReader(spool.mailbox, on: loop) { batch in
            do throws(JSON.Malformed) {
                let list = [0x5B] + batch.text + [0x5D]
                let decoded = try JSON.decode([ReceivedSpan].self, from: list)
                if decoded.count != batch.count { problem = .init("\(batch.count) were told") }
                spans += decoded
            } catch {
                problem = error
            }
        }
        loop.runOnce()
        reader.close()
        loop.runOnce()
        if let problem { throw TestSupportError(problem.reason) }
        return spans
    }
}
