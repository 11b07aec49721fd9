// TLSSettings+Client: how commands ask this process's own addresses, of the configuration that they
// read.

import Configuration
import Endpoints
import HTTPClient
import TLS

extension TLSSettings {
    /// How a port of this machine at `address` is asked by TLS, on the thread that calls this; nil:
    /// it is not. Its certificate need not be for the address: so any will do, and what is sent is
    /// as safe as without TLS.
    func localSecurity(at address: IPAddress?) -> HTTPClient.Security? {
        guard isOn, let address else { return nil }
        do {
            try OpenSSL.load()
            let client = try TLSClient(TLSClientOptions(trust: .anybody, protocols: [.http1]))
            return HTTPClient.Security(client, for: .address(address))
        } catch {
            return nil
        }
    }
}
