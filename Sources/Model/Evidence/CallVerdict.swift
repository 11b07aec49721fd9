// CallVerdict: what the status of a call of gRPC says of its backend, in the terms of HTTP, so that
// services of either kind are judged alike.
//
// | grpc-status                              | is like                                         |
// |------------------------------------------|-------------------------------------------------|
// | OK                                       | 200                                             |
// | UNAVAILABLE                              | 503                                             |
// | INTERNAL, UNKNOWN                        | 500: a handler that throws. One caller whose    |
// |                                          | requests do that ejects no more than by 500     |
// | DEADLINE_EXCEEDED                        | 504: something behind the backend is slow;      |
// |                                          | nothing where the caller's own time was over,   |
// |                                          | which may have been too short                   |
// | CANCELLED, UNIMPLEMENTED, DATA_LOSS, and | nothing: it is the caller's doing, or as with   |
// | numbers that gRPC does not define        | 501 not about health                            |
// | any other                                | 400: the backend has understood, and refused    |

package import GRPCWire

/// What a call's status is like. Any thread.
package enum CallVerdict: Equatable, Sendable {
    /// The backend works.
    case good
    /// The backend failed, as by this status of HTTP.
    case failed(like: Int)
    /// Nothing, but that it answers.
    case neutral

    /// The verdict on a call that ended with `status`; `isTimeOver` says whether nine tenths of the
    /// time were over that the caller gives it. The last tenth is that of clocks and networks: the
    /// backend ends a call at the deadline by its own clock.
    package init(_ status: GRPCStatus, isTimeOver: Bool) {
        self =
            switch status {
            case .unavailable: .failed(like: 503)
            case .internal, .unknown: .failed(like: 500)
            case .deadlineExceeded: isTimeOver ? .neutral : .failed(like: 504)
            case .cancelled, .unimplemented, .dataLoss: .neutral
            default: status.isDefined ? .good : .neutral
            }
    }
}
