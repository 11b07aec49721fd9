// ConfigurationView: the configuration in force as JSON, for the admin port: what can be told in a few
// words of each part, and no secret.

import Configuration
import FoundationEssentials

/// What `/config` shows.
struct ConfigurationView: Encodable {
    struct Admin: Encodable {
        let listen: String
        let token: String
        let readOnly: Bool
        let hosts: [String]
    }

    struct Listener: Encodable {
        let name: String
        let listen: String
        let mode: String
        let services: [String]
    }

    struct Service: Encodable {
        let name: String
        let balance: String
        /// Backends that the configuration, or the store that it follows, overrides.
        let overrides: [String: String]
    }

    let workers: Int
    let logLevel: String
    let stopTimeoutSeconds: Int64
    let admin: Admin
    let listeners: [Listener]
    let services: [Service]

    init(_ configuration: Configuration) {
        workers = configuration.workers
        logLevel = configuration.logLevel.rawValue
        stopTimeoutSeconds = configuration.stopTimeout.components.seconds
        let admin = configuration.admin
        self.admin = Admin(
            listen: admin.listen.map { "\($0)" } ?? "off",
            token: admin.token == nil && admin.tokenFile == nil ? "" : "(secret)",
            readOnly: admin.readOnly == .on, hosts: admin.hosts)
        listeners = configuration.listeners.map {
            Listener(
                name: $0.name, listen: "\($0.listen)", mode: $0.mode.rawValue,
                services: $0.serviceNames)
        }
        services = configuration.services.map { service in
            let overrides = service.overrides.map { endpoint, decision in
                let weight = decision.weight.map { "weight \($0)" }
                let drain = decision.drain == .on ? "drained" : nil
                return ("\(endpoint)", [weight, drain].compactMap(\.self).joined(separator: ", "))
            }
            return Service(
                name: service.name, balance: service.balance.rawValue,
                overrides: Dictionary(overrides) { $1 })
        }
    }

    /// As bytes, with sorted keys.
    var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Nothing here has a number that JSON can't say.
        guard let data = try? encoder.encode(self) else { return Array("{}\n".utf8) }
        return Array(data) + Array("\n".utf8)
    }
}
