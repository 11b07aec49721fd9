// AdminSettings+Client: how commands ask the admin port of the configuration that they read.

import Configuration
import Endpoints
import HTTPClient
import TLS

extension AdminSettings {
    /// How the port is asked by TLS, on the thread that calls this; nil: it is not. The port is one
    /// of this machine, at an address, for which its certificate need not be: so any will do, and
    /// what is sent is as safe as without TLS.
    var localSecurity: HTTPClient.Security? {
        guard tls.isOn, let address = listen?.address else { return nil }
        do {
            try OpenSSL.load()
            let client = try TLSClient(TLSClientOptions(trust: .anybody, isHTTP: true))
            return HTTPClient.Security(client, for: .address(address))
        } catch {
            return nil
        }
    }
}
