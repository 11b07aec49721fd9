// StartFailure: why the program does not start, as a sentence that says what to do about it.

internal import Endpoints
internal import Events

/// A failure to start, as a sentence for the operator.
package struct StartFailure: Error, CustomStringConvertible {
    /// The whole sentence: what failed, and what to do about it.
    package let description: String

    /// Takes the sentence as it is.
    package init(description: String) {
        self.description = description
    }
}

extension StartFailure {
    /// What to do about an address that can't be listened on.
    init(listeningOn endpoint: Endpoint, _ error: Errno) {
        let advice =
            switch error {
            case .addressInUse: "something else listens there; stop it or choose another port"
            case .permissionDenied: "ports below 1024 need the capability CAP_NET_BIND_SERVICE"
            case .tooManyDescriptors: "raise the limit of open files (ulimit -n)"
            default: "check that the address belongs to this machine"
            }
        self.init(description: "cannot listen on \(endpoint): \(error): \(advice)")
    }
}
