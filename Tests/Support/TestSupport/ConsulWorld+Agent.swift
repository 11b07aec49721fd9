// What the stand-in does with services that are registered through its agent's own API, as Consul
// does: they are in the catalogue, on the agent's node; a check of a TTL that nobody renews becomes
// critical; a service that is critical for too long is removed, where its check says so.

internal import FoundationEssentials

/// A check of a service of the agent.
struct StandInCheck: Sendable {
    var service: String
    var status: String
    var output = ""
    /// Nil for a check that has no TTL.
    var life: Duration?
    var expires: ContinuousClock.Instant?
    var removesAfter: Duration?
    var criticalSince: ContinuousClock.Instant?
}

extension ConsulWorld {
    // MARK: - Requests

    /// Answers what concerns the agent's own services; nil for anything else.
    mutating func answerAsAgent(_ request: ConsulStandInRequest) -> ConsulStandInAnswer? {
        let path = request.path
        func rest(_ prefix: String) -> String? {
            path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : nil
        }
        if path == "/v1/agent/services" {
            return list(agentServiceEntries, request) { $0.Service }
        }
        if path == "/v1/agent/checks" { return list(agentCheckEntries, request) { $0.ServiceName } }
        if path == "/v1/agent/service/register" { return register(request) }
        if let id = rest("/v1/agent/service/deregister/") { return deregister(id, request) }
        if let id = rest("/v1/agent/service/") { return service(id, request) }
        if let id = rest("/v1/agent/check/update/") { return updateCheck(id, request) }
        return nil
    }

    /// What of a list a request may see. The agent says when that is not all.
    private func list<Entry: Encodable>(
        _ entries: [String: Entry], _ request: ConsulStandInRequest, of service: (Entry) -> String
    ) -> ConsulStandInAnswer {
        let seen = entries.filter { maySee(service($0.value), request) }
        var answer = document(seen, index: nil)
        answer.isFiltered = seen.count < entries.count
        return answer
    }

    private mutating func register(_ request: ConsulStandInRequest) -> ConsulStandInAnswer {
        let replaces = ["true", ""].contains(request.value("replace-existing-checks") ?? "false")
        guard
            let said = try? JSONDecoder().decode(Registration.self, from: Data(request.body)),
            let name = said.Name
        else { return text(400, "Request decode failed") }
        // Both the service that is there and the one that is to be.
        for name in [name, registeredName(of: said.ID ?? name)].compactMap(\.self) {
            if let refusal = refusalToWrite(name, request) { return refusal }
        }
        guard let refusal = registerAtAgent(request.body, replacesChecks: replaces) else {
            return ConsulStandInAnswer()
        }
        return text(400, refusal)
    }

    private func registeredName(of id: String) -> String? {
        agentServices[id] == nil ? nil : instances["node-1/\(id)"]?.service
    }

    private mutating func deregister(
        _ id: String, _ request: ConsulStandInRequest
    ) -> ConsulStandInAnswer {
        guard let name = registeredName(of: id) else {
            return text(
                404,
                "Unknown service ID \"\(id)\". Ensure that the service ID is passed, not the "
                    + "service name.")
        }
        if let refusal = refusalToWrite(name, request) { return refusal }
        _ = deregisterAtAgent(id: id)
        return ConsulStandInAnswer()
    }

    private func service(_ id: String, _ request: ConsulStandInRequest) -> ConsulStandInAnswer {
        guard let document = agentServices[id], let name = registeredName(of: id) else {
            return text(404, "unknown service ID: \(id)")
        }
        guard maySee(name, request) else {
            return text(403, "Permission denied: lacks permission 'service:read' on \"\(name)\"")
        }
        return ConsulStandInAnswer(body: Array(document.utf8))
    }

    private mutating func updateCheck(
        _ id: String, _ request: ConsulStandInRequest
    ) -> ConsulStandInAnswer {
        struct Update: Decodable {
            let Status: String
            let Output: String?
        }
        guard let update = try? JSONDecoder().decode(Update.self, from: Data(request.body)) else {
            return text(400, "Request decode failed")
        }
        guard Self.statuses.contains(update.Status) else {
            return text(400, "Invalid check status: '\(update.Status)'")
        }
        guard var check = agentChecks[id] else {
            return text(
                404,
                "Unknown check ID \"\(id)\". Ensure that the check ID is passed, not the check "
                    + "name.")
        }
        if let name = registeredName(of: check.service),
            let refusal = refusalToWrite(name, request)
        {
            return refusal
        }
        guard check.life != nil else {
            return text(500, "CheckID \"\(id)\" does not have associated TTL")
        }
        agentReports += 1
        check.output = String((update.Output ?? "").prefix(4096))
        check.set(update.Status)
        agentChecks[id] = check
        publish(check.service)
        return ConsulStandInAnswer()
    }

    private static let statuses = ["passing", "warning", "critical"]

    // MARK: - Registering

    private struct Registration: Decodable {
        struct Check: Decodable {
            let CheckID: String?
            let TTL: String?
            let HTTP: String?
            let TCP: String?
            let GRPC: String?
            let Args: [String]?
            let Interval: String?
            let Status: String?
            let DeregisterCriticalServiceAfter: String?
        }

        struct Weights: Decodable {
            let Passing: Int
            let Warning: Int
        }

        let ID: String?
        let Name: String?
        let Tags: [String]?
        let Address: String?
        let Port: Int?
        let Meta: [String: String]?
        let Weights: Weights?
        let Check: Check?
        let Checks: [Check]?
    }

    /// Registers what `document` says; returns why not, nil when it is done.
    @discardableResult
    package mutating func registerAtAgent(
        _ document: [UInt8], replacesChecks: Bool = false
    ) -> String? {
        let decoder = JSONDecoder()
        guard let said = try? decoder.decode(Registration.self, from: Data(document)) else {
            return "Request decode failed"
        }
        guard let name = said.Name, !name.isEmpty else { return "Missing service name" }
        let id = said.ID ?? name
        let meta = said.Meta ?? [:]
        if said.Address == "0.0.0.0" || said.Address == "::" { return "Invalid service address" }
        if meta.count > 64 {
            return "Invalid Service Meta: Node metadata cannot contain more than 64 key/value pairs"
        }
        for (key, value) in meta {
            let isKey = key.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x5F
            }
            guard isKey, (1...128).contains(key.utf8.count), value.utf8.count <= 512 else {
                return "Invalid Service Meta: Couldn't load metadata pair (\(key), \(value))"
            }
            if key.hasPrefix("consul-") {
                return "Invalid Service Meta: Couldn't load metadata pair (\(key), \(value)): Key "
                    + "prefix 'consul-' is reserved for internal use"
            }
        }
        if let weights = said.Weights {
            if weights.Passing < 1 { return "Invalid Weights: Passing must be greater than 0" }
            if weights.Warning < 0 || max(weights.Passing, weights.Warning) > 65535 {
                return "Invalid Weights: DNS Weight must be between 0 and 65535"
            }
        }
        let checks = said.Checks ?? [said.Check].compactMap(\.self)
        for check in checks {
            if let status = check.Status, !Self.statuses.contains(status) {
                return "Status for checks must 'passing', 'warning', 'critical'"
            }
            let isPeriodic =
                check.HTTP != nil || check.TCP != nil || check.GRPC != nil || check.Args != nil
            for text in [check.TTL, check.Interval, check.DeregisterCriticalServiceAfter] {
                if let text, Self.duration(text) == nil { return "Request decode failed" }
            }
            if check.TTL != nil, check.Interval != nil {
                return "Invalid check: Interval and TTL cannot both be specified"
            }
            if isPeriodic, check.Interval == nil {
                return "Invalid check: Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or "
                    + "OSService checks"
            }
            if !isPeriodic, check.TTL == nil {
                return "Invalid check: TTL must be > 0 for TTL checks"
            }
            if check.Args != nil { return "Scripts are disabled on this agent" }
        }
        agentServices[id] = String(decoding: document, as: UTF8.self)
        agentRegistrations += 1
        addChecks(checks, of: id, replacesChecks)
        var instance = Instance(name, id: id, address: said.Address ?? "", port: said.Port ?? 0)
        instance.tags = said.Tags ?? []
        instance.meta = meta
        instance.passingWeight = said.Weights?.Passing ?? 1
        instance.warningWeight = said.Weights?.Warning ?? 1
        instance.status = status(of: id)
        register(instance)
        return nil
    }

    private mutating func addChecks(
        _ checks: [Registration.Check], of id: String, _ replacesChecks: Bool
    ) {
        var known: Set<String> = []
        for (index, said) in checks.enumerated() {
            let own = checks.count > 1 ? "service:\(id):\(index + 1)" : "service:\(id)"
            let checkID = said.CheckID ?? own
            known.insert(checkID)
            var check = StandInCheck(service: id, status: "critical")
            check.life = said.TTL.flatMap(Self.duration)
            check.removesAfter = said.DeregisterCriticalServiceAfter.flatMap(Self.duration)
            // One that was there goes on as it was, whatever is said now.
            check.set(agentChecks[checkID]?.status ?? said.Status ?? "critical")
            agentChecks[checkID] = check
        }
        guard replacesChecks else { return }
        agentChecks = agentChecks.filter { $1.service != id || known.contains($0) }
    }

    /// `1500ms`, `10s`, `1m`: what of Go's durations is asked for here.
    static func duration(_ text: String) -> Duration? {
        for (unit, length) in [
            ("ms", Duration.milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)),
            ("h", .seconds(3600)),
        ] where text.hasSuffix(unit) {
            return Int(text.dropLast(unit.count)).map { length * $0 }
        }
        return nil
    }

    /// Removes a service of the agent; whether it was there.
    package mutating func deregisterAtAgent(id: String) -> Bool {
        guard agentServices.removeValue(forKey: id) != nil else { return false }
        agentChecks = agentChecks.filter { $1.service != id }
        deregister(id)
        return true
    }

    // MARK: - Checks

    /// Sets the state of a check of the agent, as its own probes do.
    package mutating func setCheck(_ id: String, _ status: String) {
        guard var check = agentChecks[id] else { return }
        check.set(status)
        agentChecks[id] = check
        publish(check.service)
    }

    /// Puts a service into maintenance, as an operator does.
    package mutating func setMaintenance(of id: String) {
        agentChecks["_service_maintenance:\(id)"] = StandInCheck(service: id, status: "critical")
        publish(id)
    }

    /// The ids and states of the checks of a service.
    package func agentChecks(of service: String) -> [String: String] {
        agentChecks.filter { $1.service == service }.mapValues(\.status)
    }

    /// Lets time pass; whether anything follows.
    mutating func expire(now: ContinuousClock.Instant) -> Bool {
        var isChanged = expireSessions(now: now)
        for (id, check) in agentChecks {
            if let expires = check.expires, expires <= now, check.status != "critical" {
                var check = check
                check.set("critical")
                check.output = "TTL expired"
                agentChecks[id] = check
                publish(check.service)
                isChanged = true
            }
            if let since = check.criticalSince, let patience = check.removesAfter,
                since + max(patience, removalFloor) <= now
            {
                _ = deregisterAtAgent(id: check.service)
                isChanged = true
            }
        }
        return isChanged
    }

    private mutating func publish(_ service: String) {
        setStatus(status(of: service), of: service)
    }

    /// The worst of its checks.
    private func status(of service: String) -> String {
        let all = Set(agentChecks.values.filter { $0.service == service }.map(\.status))
        return ["critical", "warning"].first { all.contains($0) } ?? "passing"
    }

    // MARK: - Documents

    private var agentServiceEntries: [String: AgentServiceEntry] {
        var entries: [String: AgentServiceEntry] = [:]
        for id in agentServices.keys {
            guard let instance = instances["node-1/\(id)"] else { continue }
            entries[id] = AgentServiceEntry(instance)
        }
        return entries
    }

    private var agentCheckEntries: [String: AgentCheckEntry] {
        var entries: [String: AgentCheckEntry] = [:]
        for (id, check) in agentChecks {
            entries[id] = AgentCheckEntry(
                CheckID: id, Status: check.status, Output: check.output,
                ServiceID: check.service,
                ServiceName: instances["node-1/\(check.service)"]?.service ?? "",
                Type: check.life == nil ? "http" : "ttl")
        }
        return entries
    }
}

extension StandInCheck {
    fileprivate mutating func set(_ status: String) {
        if status != "critical" {
            criticalSince = nil
        } else if self.status != "critical" || criticalSince == nil {
            criticalSince = .now
        }
        self.status = status
        expires = life.map { .now + $0 }
    }
}

// MARK: - Consul's JSON; the names of the properties are its own

private struct AgentServiceEntry: Encodable {
    struct WeightsEntry: Encodable {
        let Passing: Int
        let Warning: Int
    }

    let ID: String
    let Service: String
    let Tags: [String]
    let Meta: [String: String]
    let Port: Int
    let Address: String
    let Weights: WeightsEntry
    let EnableTagOverride = false
    let Datacenter = "dc1"

    init(_ instance: ConsulWorld.Instance) {
        ID = instance.id
        Service = instance.service
        Tags = instance.tags
        Meta = instance.meta
        Port = instance.port
        Address = instance.address
        Weights = .init(Passing: instance.passingWeight, Warning: instance.warningWeight)
    }
}

private struct AgentCheckEntry: Encodable {
    let Node = "node-1"
    let CheckID: String
    let Name = "check"
    let Status: String
    let Notes = ""
    let Output: String
    let ServiceID: String
    let ServiceName: String
    let `Type`: String
}
