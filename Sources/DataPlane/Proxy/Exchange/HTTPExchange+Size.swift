// HTTPExchange+Size: responses that are larger than they may be (`limits.response-body`). They
// count against no backend: it has done what it was asked to do.

internal import Backends
internal import Events
internal import HTTP1
internal import Routing
internal import Stats

extension HTTPExchange {
    /// A response with this status says that it is larger than it may be: the client gets another
    /// in its place.
    func refuseTooLarge(_ status: Int, _ stream: BackendStream) {
        let pool = stream.pool
        pool.counters.add(.oversizedResponses)
        recordFirstByte(of: status, stream)
        endOther(than: stream)
        endTry(on: stream)
        stream.abort()
        giveUp(.responseTooLarge)
    }

    /// More of the response's body has come than there may be of it: the client gets what came
    /// before, and must not take it for a whole one.
    func responseTooLarge(_ stream: BackendStream) {
        guard let client, let pool else { return }
        pool.counters.add(.oversizedResponses)
        switch client.send(Span(), isLast: false) {
        case .sent, .kept:
            end(.responseOverflow, pool)
            client.cut(isOver: false)
        case .failed: clientGone()
        }
    }

    /// How many bytes the payload of the response may have; any number in a tunnel.
    var responseBytesMax: UInt64 {
        request.isTunnel ? .max : UInt64(request.bodyLimits.response)
    }
}
