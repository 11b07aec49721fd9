// What an outcome of the resolver means to a roster.

package import Backends
package import DNSClient
internal import DNSWire

extension DiscoveryFailure {
    /// What `outcome` means as a failure; nil when it has records.
    package init?(_ outcome: DNSOutcome) {
        switch outcome {
        case .records, .partial: return nil
        case .nodata: self = .nodata
        case .nxdomain: self = .nxdomain
        case .servfail: self = .servfail
        case .refused: self = .refused
        case .otherCode(let code): self = .otherCode(code.rawValue)
        case .timeout, .overloaded: self = .timeout
        case .malformed(let error): self = .malformed("\(error)")
        case .unreachable, .noServers: self = .unreachable
        }
    }
}

extension DiscoveryFailure {
    /// Why a host has no addresses, with the names that were tried; `nodata` where nothing failed.
    init(_ answer: HostAnswer?) {
        guard let answer, let failure = answer.failure.flatMap({ DiscoveryFailure($0) }) else {
            self = .nodata
            return
        }
        self = .explained(failure.kind, answer.reason)
    }
}
