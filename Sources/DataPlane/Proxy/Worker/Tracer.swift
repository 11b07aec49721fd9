// Tracer: makes the traces of a worker's requests: continues those that clients have begun, as far
// as the policy lets it, and begins others.

internal import GRPCWire
internal import Glibc
internal import HTTP1
internal import Random
package import Traces
package import Traffic

/// How workers trace requests. Any thread.
package struct TraceOptions: Sendable {
    /// Which requests are recorded.
    package var policy: TracePolicy
    /// Where their spans go; nil where none are made.
    package var spool: SpanSpool?

    /// Traces by `policy`.
    package init(_ policy: TracePolicy, spool: SpanSpool?) {
        self.policy = policy
        self.spool = spool
    }
}

/// A worker's source of traces. Worker thread only.
final class Tracer {
    /// How requests are traced, from the next one on.
    var policy: TracePolicy
    /// Where their spans go; nil where none are made.
    let spans: WorkerSpans?
    private var ids = TraceIDs()

    init(_ policy: TracePolicy, _ spans: WorkerSpans?) {
        self.policy = policy
        self.spans = spans
    }

    /// The trace of the request whose `head` was parsed from `bytes`, and which came from `client`
    /// at `now`, in the loop's nanoseconds.
    func trace(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ client: ClientContext,
        at now: UInt64
    ) -> RequestTrace {
        let parent = head.traceContext(bytes)
        let isTrusted = parent != nil && client.isTrusted
        let context = policy.trace(
            after: parent, isTrusted: isTrusted, high: ids.next(), low: ids.next(),
            span: ids.next())
        var trace = RequestTrace(OutgoingTrace(context, keepsState: false))
        if let parent {
            if policy.continues(isTrusted: isTrusted) {
                trace.parent = parent.span
                trace.outgoing.keepsState = head.hasGoodTraceState(bytes)
            } else {
                trace.link = parent
            }
        }
        if spans != nil { trace.isRecorded = context.isSampled }
        // Examples of how long requests take have a time too.
        if context.isSampled || mayRecord(trace) { trace.readClock(at: now) }
        return trace
    }

    /// Whether there may be a span of the request with this trace.
    func mayRecord(_ trace: RequestTrace) -> Bool {
        spans != nil && (trace.isRecorded || policy.errors)
    }

    /// A new span of a trace.
    func nextSpan() -> UInt64 { ids.next() }
}

/// Numbers that name traces and spans: unlike over all workers and processes, never 0. Value type.
struct TraceIDs {
    // One generator alone would tie both halves of an id to 64 bits of seed.
    private var one = SplitMix64()
    private var other = SplitMix64()

    mutating func next() -> UInt64 {
        while true {
            let number = one.next() ^ other.next()
            if number != 0 { return number }
        }
    }
}

/// What is known of the trace of one request. Value type, worker thread only.
struct RequestTrace {
    /// What backends are told, with the span of the request. Where it is recorded, each is told the
    /// span of its try instead.
    var outgoing: OutgoingTrace
    /// The span of the hop before this one; 0 when the trace begins here.
    var parent: UInt64 = 0
    /// The trace that the client has named and that does not go on here; nil for none.
    var link: TraceContext?
    /// Whether spans are made.
    var isRecorded = false
    /// Where the digits of the span begin in the head for backends; 0 for nowhere.
    var place = 0
    /// The tries in the two slots.
    var tries = InlineArray<2, TryTrace>(repeating: TryTrace())

    /// One moment by two clocks: in nanoseconds since 1970, and in the loop's.
    private var wall: UInt64 = 0
    private var loop: UInt64 = 0

    init(_ outgoing: OutgoingTrace) {
        self.outgoing = outgoing
    }

    /// Reads the clock on the wall; `now` is the loop's time.
    mutating func readClock(at now: UInt64) {
        var time = timespec()
        // The kernel fills the record.
        unsafe _ = clock_gettime(CLOCK_REALTIME, &time)
        wall = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        loop = now
    }

    /// The trace of a question about this request: its tries are parts of the request, as those of
    /// the request itself are.
    var ofQuestion: RequestTrace {
        var trace = self
        trace.place = 0
        trace.tries = InlineArray(repeating: TryTrace())
        return trace
    }

    /// When the loop's clock said `time`, in nanoseconds since 1970.
    func wallTime(_ time: UInt64) -> UInt64 { wall &+ time &- loop }
}

/// What is known of a try for its span. Value type, worker thread only.
struct TryTrace {
    /// The span; 0 for none.
    var span: UInt64 = 0
    /// How many tries came before it.
    var resends = 0
    /// The status of the backend's response; 0 before one.
    var status = 0
    /// The status of a call of gRPC, as the backend has said it; nil before that.
    var callStatus: GRPCStatus?
    /// Why it ended; nil unless it failed.
    var ending: Ending?
}
