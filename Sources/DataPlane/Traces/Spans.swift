// What a span says besides texts: plain values, put together at the end of a request or a try.

package import GRPCWire
package import HTTP1

/// What a span says of a call of gRPC. Value type, any thread.
package struct CallSpan: Sendable {
    /// How the call ended; nil when no status came.
    package var status: GRPCStatus?
    /// Whether a backend has answered as one that has the method: only then is its name one of few.
    package var isMethodKnown: Bool

    /// A call that ended so; `byBackend` says whether a backend has said it.
    package init(_ status: GRPCStatus?, byBackend: Bool) {
        self.status = status
        isMethodKnown = byBackend && status != nil && status != .unimplemented
    }
}

/// The span of a request, from its head to the end of its response. Value type, any thread.
package struct ServerSpan: Sendable {
    /// The trace, and the span's own id.
    package var context: TraceContext
    /// The span of the hop before this one; 0 when the trace begins here.
    package var parent: UInt64
    /// The trace that the client has named and that does not go on here, since the client is not
    /// believed; nil for none.
    package var link: TraceContext?
    /// From and until when, in nanoseconds since 1970.
    package var start: UInt64, end: UInt64
    /// What the client asked for.
    package var method: Method
    /// Of the client's HTTP.
    package var version: HTTPVersion
    /// Whether the client came by TLS.
    package var isSecure: Bool
    /// The response's status; 0 when none was sent.
    package var status: Int
    /// The code of what ended it, as the access log has it.
    package var cause: StaticString
    /// Why it failed: a word of Fairlead's, or nil where the status says it, and for one that has
    /// not failed.
    package var errorType: StaticString?
    /// What there is to say of a call of gRPC; nil for other requests.
    package var call: CallSpan?

    /// Everything that a span of a request has.
    package init(
        _ context: TraceContext, parent: UInt64, link: TraceContext? = nil, start: UInt64,
        end: UInt64, method: Method, version: HTTPVersion, isSecure: Bool, status: Int,
        cause: StaticString, errorType: StaticString?, call: CallSpan? = nil
    ) {
        self.context = context
        self.parent = parent
        self.link = link
        self.start = start
        self.end = end
        self.method = method
        self.version = version
        self.isSecure = isSecure
        self.status = status
        self.cause = cause
        self.errorType = errorType
        self.call = call
    }
}

/// The span of a try: a request as one backend got it, or would have got it. Value type, any
/// thread.
package struct ClientSpan: Sendable {
    /// The trace, and the span's own id.
    package var context: TraceContext
    /// The span of the request.
    package var parent: UInt64
    /// From and until when, in nanoseconds since 1970.
    package var start: UInt64, end: UInt64
    /// What the client asked for.
    package var method: Method
    /// Whether the backend is reached by TLS.
    package var isSecure: Bool
    /// How many tries came before it.
    package var resends: Int
    /// The status of the backend's response; 0 when none came.
    package var status: Int
    /// Why it failed, in a word; nil where the status says it, and for one that has not failed.
    package var errorType: StaticString?
    /// Whether Fairlead needed it no longer: another try was answered first, or its client left.
    package var isCancelled: Bool
    /// What there is to say of a call of gRPC; nil for other requests.
    package var call: CallSpan?

    /// Everything that a span of a try has.
    package init(
        _ context: TraceContext, parent: UInt64, start: UInt64, end: UInt64, method: Method,
        isSecure: Bool, resends: Int, status: Int, errorType: StaticString?, isCancelled: Bool,
        call: CallSpan? = nil
    ) {
        self.context = context
        self.parent = parent
        self.start = start
        self.end = end
        self.method = method
        self.isSecure = isSecure
        self.resends = resends
        self.status = status
        self.errorType = errorType
        self.isCancelled = isCancelled
        self.call = call
    }
}
