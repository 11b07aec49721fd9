// ProbeResult: what a probe found out, in the roster's words.

package import Backends
package import Events
internal import Glibc
package import HTTPClient

/// How one probe ended. Value type, any thread.
package enum ProbeResult: Sendable, Equatable {
    /// The backend is as it should be.
    case passed
    /// It is not, and why.
    case failed(CheckFailure)
    /// This process or machine could not even try: no descriptor, no memory. That is no evidence
    /// against the backend, and would be held against all of them at once.
    case inconclusive

    /// What a failed system call says.
    package init(_ errno: Errno) {
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
    package init(_ outcome: HTTPClient.Outcome, expecting statuses: ClosedRange<Int>) {
        switch outcome {
        case .response(let response):
            self =
                statuses.contains(response.status) ? .passed : .failed(.status(response.status))
        case .failed(let failure):
            self.init(failure)
        }
    }

    /// What the failure of an HTTP exchange says.
    package init(_ failure: HTTPClient.Failure) {
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
