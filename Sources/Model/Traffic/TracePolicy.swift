// TracePolicy: which requests go on with a trace that their client has begun, and which of the
// others are recorded. Pure: the caller draws the ids.

package import HTTP1

/// How requests are traced.
package struct TracePolicy: Equatable, Sendable {
    /// Whose trace a request may go on with.
    package enum Parents: String, CaseIterable, Equatable, Sendable {
        /// Of clients among the listener's trusted proxies.
        case trusted
        /// Of every client.
        case all
        /// Nobody's.
        case none
    }

    /// Whose traces go on: by default those of trusted proxies, as with X-Forwarded-For. Anybody
    /// else could have every request of its own recorded, and put what it likes into the traces of
    /// others (Trace Context, section 7.2).
    package var parents = Parents.trusted
    /// Whether a trace that goes on is recorded as its client has decided, by default: else it has
    /// holes. If not, it is recorded as one that begins here would be.
    package var followsParents = true
    /// How many of the requests that begin a trace are recorded, in millionths: 1 % by default,
    /// since a span costs its reader more than the request costs here.
    package var sample = 10_000
    /// Whether requests that fail are recorded although their trace is not: alone, since no other
    /// hop has recorded its part.
    package var errors = false

    /// The defaults.
    package init() {}

    /// The trace of a request whose client has told `parent`, nil for nothing that can be
    /// understood; `isTrusted` says whether the client is a trusted proxy. `high` and `low` are the
    /// id of a new trace, drawn at random and not both 0, `span` that of this hop, not 0.
    package func trace(
        after parent: TraceContext?, isTrusted: Bool, high: UInt64, low: UInt64, span: UInt64
    ) -> TraceContext {
        if var trace = parent, continues(isTrusted: isTrusted) {
            trace.span = span
            if !followsParents { trace.isSampled = isSampled(trace.low) }
            return trace
        }
        return TraceContext(
            high: high, low: low, span: span, isSampled: isSampled(low), isRandom: false)
    }

    /// Whether the client's trace goes on here.
    package func continues(isTrusted: Bool) -> Bool {
        switch parents {
        case .trusted: isTrusted
        case .all: true
        case .none: false
        }
    }

    /// Whether a trace of this id is recorded: by the 56 bits that are random in every trace, so
    /// that all who record the same share of traces record the same ones.
    private func isSampled(_ low: UInt64) -> Bool {
        let (bits, range) = (low & (1 << 56 - 1), UInt64(1) << 56)
        // The upper end, as OpenTelemetry's samplers take it.
        return bits >= range - range / 1_000_000 * UInt64(sample) && sample > 0
            || sample >= 1_000_000
    }
}
