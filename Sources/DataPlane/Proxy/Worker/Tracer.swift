// Tracer: makes the traces of a worker's requests: continues those that clients have begun, as far
// as the policy lets it, and begins others.

internal import HTTP1
internal import Random
internal import Traffic

/// A worker's source of traces. Worker thread only.
final class Tracer {
    /// How requests are traced, from the next one on.
    var policy: TracePolicy
    private var ids = TraceIDs()

    init(_ policy: TracePolicy) {
        self.policy = policy
    }

    /// The trace of the request whose `head` was parsed from `bytes`, and which came to `listener`
    /// from `client`.
    func trace(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ client: ClientContext
    ) -> RequestTrace {
        let parent = head.traceContext(bytes)
        let isTrusted = parent != nil && client.isTrusted
        let context = policy.trace(
            after: parent, isTrusted: isTrusted, high: ids.next(), low: ids.next(),
            span: ids.next())
        guard let parent, policy.continues(isTrusted: isTrusted) else {
            return RequestTrace(OutgoingTrace(context, keepsState: false))
        }
        var trace = RequestTrace(
            OutgoingTrace(context, keepsState: head.hasGoodTraceState(bytes)))
        trace.parent = parent.span
        return trace
    }
}

/// Numbers that name traces and spans: unlike over all workers and processes, never 0. Value type.
struct TraceIDs {
    // One generator alone would tie both halves of an id to 64 bits of seed.
    private var numbers = (SplitMix64(), SplitMix64())
    private var isOdd = false

    mutating func next() -> UInt64 {
        while true {
            isOdd.toggle()
            let number = isOdd ? numbers.0.next() : numbers.1.next()
            if number != 0 { return number }
        }
    }
}

/// What is known of the trace of one request. Value type, worker thread only.
struct RequestTrace {
    /// What backends are told, with the span of this hop.
    var outgoing: OutgoingTrace
    /// The span of the hop before this one; 0 when the trace begins here.
    var parent: UInt64 = 0

    init(_ outgoing: OutgoingTrace) {
        self.outgoing = outgoing
    }

    var isSampled: Bool { outgoing.context.isSampled }
}
