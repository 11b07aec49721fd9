// ProbeResult: what a probe found out, in the roster's words.

internal import Backends
internal import Events
internal import Glibc
internal import HTTPClient

/// How one probe ended.
enum ProbeResult: Sendable, Equatable {
    case passed
    case failed(CheckFailure)
    /// This process or machine could not even try: no descriptor, no memory. That is no evidence
    /// against the backend, and would be held against all of them at once.
    case inconclusive

    /// What a failed system call says.
    init(_ errno: Errno) {
        self =
            switch errno.rawValue {
            case EMFILE, ENFILE, ENOMEM, ENOBUFS: .inconclusive
            case ECONNREFUSED: .failed(.refused)
            case ETIMEDOUT: .failed(.timeout)
            case ECONNRESET, ECONNABORTED, EPIPE: .failed(.reset)
            case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN: .failed(.unreachable)
            default: .failed(.other(errno.rawValue))
            }
    }

    /// What the end of an HTTP exchange says, if these statuses pass.
    init(_ outcome: HTTPClient.Outcome, expecting statuses: ClosedRange<Int>) {
        switch outcome {
        case .response(let response):
            self =
                statuses.contains(response.status) ? .passed : .failed(.status(response.status))
        case .failed(let failure):
            self.init(failure)
        }
    }

    /// What the failure of an HTTP exchange says.
    init(_ failure: HTTPClient.Failure) {
        self =
            switch failure {
            case .connect(let errno), .broken(let errno, _): ProbeResult(errno)
            case .timeout: .failed(.timeout)
            case .closedEarly: .failed(.reset)
            case .malformedHead, .malformedBody, .tooManyInterim, .bodyTooLarge:
                .failed(.malformed)
            // The configuration is checked for this when it is read.
            case .unsendable: .failed(.other(0))
            }
    }
}
