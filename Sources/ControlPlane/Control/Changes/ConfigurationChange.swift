// ConfigurationChange: how two configurations differ, and which differences need a restart. Pure:
// it compares two values and changes nothing.

internal import Backends
internal import Configuration
internal import Health
internal import Proxy
internal import Traffic

/// The difference between two configurations. Services and listeners are matched by name.
struct ConfigurationChange: Equatable {
    /// Services that only the new one has, in its order.
    var added: [Service] = []
    /// Names of services that only the old one has, in its order.
    var removed: [String] = []
    /// Services that both have and that differ, in the order of the new one.
    var changed: [ServiceChange] = []
    /// Names of listeners that both have, and whose settings differ, routes included, in the order
    /// of the old one.
    var listeners: [String] = []
    /// Names of listeners that only the new one has, in its order.
    var addedListeners: [String] = []
    /// Names of listeners that only the old one has, in its order.
    var removedListeners: [String] = []
    /// Names of listeners whose certificates differ, in the order of the new one. What has changed
    /// is known once the files are compared with what is in use: `RunningConfiguration` adds it.
    var certificates: [String] = []
    /// Keys of other settings that differ and need no restart.
    var settings: [String] = []

    /// Whether the two are the same.
    var isEmpty: Bool { self == ConfigurationChange() }

    /// How a service differs. Its backends are kept in any case.
    struct ServiceChange: Equatable {
        /// The service as it is in the new configuration.
        let service: Service
        /// Its sources differ, or when they are asked.
        var sources = false
        /// The rules by which backends are up or out differ.
        var roster = false
        /// Its checks differ.
        var checks = false
        /// The way in which workers talk to its backends differs.
        var proxy = false
    }

    /// From `old`, which is running, to `new`. Both are valid.
    ///
    /// - Throws: everything in which `new` differs that needs a start.
    init(from old: Configuration, to new: Configuration) throws(ChangeRefusal) {
        let reasons = Self.reasons(against: new, from: old)
        guard reasons.isEmpty else { throw ChangeRefusal(reasons: reasons) }
        compareServices(old.services, new.services)
        compareListeners(old.listeners, new.listeners)
        if old.stopTimeout != new.stopTimeout { self.settings.append("stop-timeout") }
        if old.stopDelay != new.stopDelay { self.settings.append("stop-delay") }
        if old.log != new.log { self.settings.append("log") }
        if old.checks != new.checks { self.settings.append("checks.rate") }
        if old.consul.tls != new.consul.tls { self.settings.append("consul.tls") }
        if old.docker.tls != new.docker.tls { self.settings.append("docker.tls") }
        if old.health != new.health { self.settings.append("health") }
        if old.traces != new.traces { self.settings.append("traces") }
        if old.ticketKeys != new.ticketKeys { self.settings.append("ticket-keys") }
        if old.reload != new.reload { self.settings.append("reload.watch") }
    }

    /// No difference.
    init() {}

    private mutating func compareServices(_ old: [Service], _ new: [Service]) {
        let before = Dictionary(uniqueKeysWithValues: old.map { ($0.name, $0) })
        let names = Set(new.map(\.name))
        removed = old.map(\.name).filter { !names.contains($0) }
        for service in new {
            guard let was = before[service.name] else {
                added.append(service)
                continue
            }
            if was != service { changed.append(ServiceChange(from: was, to: service)) }
        }
    }

    private mutating func compareListeners(_ old: [Listener], _ new: [Listener]) {
        let before = Dictionary(uniqueKeysWithValues: old.map { ($0.name, $0) })
        let after = Dictionary(uniqueKeysWithValues: new.map { ($0.name, $0) })
        for listener in old {
            switch after[listener.name] {
            case nil: removedListeners.append(listener.name)
            case listener?: break
            case .some: listeners.append(listener.name)
            }
        }
        addedListeners = new.map(\.name).filter { before[$0] == nil }
    }

    /// A line for everything that differs, such as `listener public: added`; for people.
    var lines: [String] {
        var lines = addedListeners.map { "listener \($0): added" }
        lines += removedListeners.map { "listener \($0): removed" }
        lines += listeners.map { "listener \($0): changed" }
        lines += certificates.map { "listener \($0): new certificates" }
        lines += added.map { "service \($0.name): added" }
        lines += removed.map { "service \($0): removed" }
        for change in changed {
            let parts = [
                ("sources", change.sources), ("backends' rules", change.roster),
                ("checks", change.checks), ("proxying", change.proxy),
            ].filter(\.1).map(\.0)
            let what = parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
            lines.append("service \(change.service.name): changed\(what)")
        }
        return lines + settings.map { "\($0): changed" }
    }

    // MARK: - What needs a start

    private static func reasons(
        against new: Configuration, from old: Configuration
    ) -> [ChangeRefusal.Reason] {
        var reasons: [ChangeRefusal.Reason] = []
        func refuse(_ key: String, if isChanged: Bool, _ why: String) {
            if isChanged { reasons.append(.init(key: key, why: why)) }
        }
        refuse("workers", if: old.workers != new.workers, "threads are started once")
        refuse("admin", if: old.admin != new.admin, "its address is opened once")
        refuse("dns", if: old.dns != new.dns, "the resolver is made once")
        refuse("consul", if: !old.consul.isLike(new.consul), "its agents are told once")
        refuse("docker", if: !old.docker.isLike(new.docker), "its engine is told once")
        refuse("acme", if: old.acme != new.acme, "its authority is told once")
        refuse("access-log", if: old.accessLog != new.accessLog, "its writer is started once")
        refuse(
            "share-addresses", if: old.shareAddresses != new.shareAddresses,
            "addresses are opened once")
        refuse("statsd", if: old.statsd != new.statsd, "its collector is told once")
        refuse("pin-workers", if: old.pinWorkers != new.pinWorkers, "threads are started once")
        refuse("user", if: old.user != new.user, "the process changes its user once")
        refuse("state-file", if: old.stateFile != new.stateFile, "it is read at the start")
        // What others were told of this process.
        let isNamed = new.consul.register.name != nil && new.consul.register.port == nil
        refuse(
            "listeners", if: isNamed && old.listeners.first?.listen != new.listeners.first?.listen,
            "the address of the first one is registered in Consul; set consul.register.port")
        return reasons
    }
}

extension ConfigurationChange.ServiceChange {
    /// Compares two versions of a service.
    init(from old: Service, to new: Service) {
        service = new
        sources =
            old.sources != new.sources || old.lookup != new.lookup
        roster = old.rosterOptions != new.rosterOptions
        checks =
            old.check != new.check || old.tls != new.tls
            || old.policy.speaks != new.policy.speaks
        proxy = old.policy != new.policy || old.tls != new.tls
    }
}

/// Why a configuration can't take the place of the running one. Nothing was changed then.
struct ChangeRefusal: Error, Equatable, CustomStringConvertible {
    /// Never empty.
    let reasons: [Reason]

    /// A key that differs, and why it can't be changed now.
    struct Reason: Equatable, CustomStringConvertible {
        let key: String
        let why: String
        /// Whether a restart would apply it.
        var needsStart = true

        var description: String {
            needsStart ? "\(key): can't be changed while it runs: \(why)" : "\(key): \(why)"
        }
    }

    /// A line for each reason.
    var description: String { reasons.map(\.description).joined(separator: "\n") }
}
