// AddressesInTurn: a name may have addresses that do not answer: one of another family than the
// server listens on, or of a machine that is gone. So they are tried in order, as curl does.

import Endpoints
import HTTPClient

/// Where one place may be, and which of its addresses is tried. Value type.
struct AddressesInTurn {
    /// The one to try first; the one that answered last, if one has.
    private var addresses: [Endpoint]
    /// Failures since one answered, or since all had failed.
    private var failures = 0

    /// - Precondition: `addresses` is not empty.
    init(_ addresses: [Endpoint]) {
        precondition(!addresses.isEmpty, "a place has an address")
        self.addresses = addresses
    }

    /// The one to try now.
    var current: Endpoint { addresses[0] }

    /// The current one has answered, and is tried first from now on.
    mutating func answered() {
        failures = 0
    }

    /// The current one has failed. Returns whether another one is left to be tried at once; when
    /// none is, the next round begins with the one that came after it. One that speaks TLS badly,
    /// or shows a certificate that is not believed, is there all the same: no other is tried.
    mutating func failed(_ failure: HTTPClient.Failure) -> Bool {
        if case .tls = failure {
            answered()
            return false
        }
        addresses.append(addresses.removeFirst())
        failures += 1
        guard failures < addresses.count else {
            failures = 0
            return false
        }
        return true
    }
}
