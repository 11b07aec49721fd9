// ContainerDetails: what `/containers/ID/json` says, as far as it is used. It is the truth of one
// container: its engine takes the container's lock for it. The list is a copy that engines renew
// only after they have told of a death or a pause; it may name as running what has just died.
//
// The environment may hold secrets: only the variables of conventions that are read are kept.

internal import Endpoints
package import JSON

/// What an engine says of one container when it is asked. Value type, any thread.
package struct ContainerDetails: Hashable, Sendable {
    /// Bytes that the document may have: health checks and mounts are in it.
    package static let bytesMax = 4 * 1024 * 1024
    /// Beginnings of the variables that are kept.
    package static let variablePrefixes = ["VIRTUAL_", "SERVICE_"]
    /// Bytes of the variables that are kept, names and values together; what is beyond is dropped.
    package static let variableBytesMax = 16 * 1024

    /// What the list would say.
    package let summary: ContainerSummary
    /// When its process began, as the engine spells it: another text is another life.
    package let startedAt: String
    /// How often its restart policy has restarted it.
    package let restartCount: Int
    /// How its last process ended; 0 also for one that runs.
    package let exitCode: Int
    /// Whether the last process was killed for its memory.
    package let wasOutOfMemory: Bool
    /// The signal that asks it to stop; nil for the one that asks any process.
    package let stopSignal: Int?
    /// How long the engine waits behind that before it kills: 10 s unless the container says so.
    package let stopTimeout: Duration
    /// What the last run of its HEALTHCHECK said when it failed, one line; nil if it passed,
    /// and without any.
    package let checkFailure: String?
    /// Variables of its environment that begin with one of `variablePrefixes`.
    package let environment: [String: String]

    /// Details that are known; what is left out is what an engine says of the plainest container.
    package init(
        _ summary: ContainerSummary, startedAt: String = "", restartCount: Int = 0,
        exitCode: Int = 0, wasOutOfMemory: Bool = false, stopSignal: Int? = nil,
        stopTimeout: Duration = .seconds(10), checkFailure: String? = nil,
        environment: [String: String] = [:]
    ) {
        self.summary = summary
        self.startedAt = startedAt
        self.restartCount = restartCount
        self.exitCode = exitCode
        self.wasOutOfMemory = wasOutOfMemory
        self.stopSignal = stopSignal
        self.stopTimeout = stopTimeout
        self.checkFailure = checkFailure
        self.environment = environment
    }

    /// Reads the answer of `/containers/ID/json`.
    ///
    /// - Throws: `JSON.Malformed`.
    package init(_ bytes: [UInt8]) throws(JSON.Malformed) {
        let document = try JSON.decode(ContainerDocument.self, from: bytes)
        let configuration = document.Config
        let timeout = configuration?.StopTimeout?.value ?? 10
        self.init(
            try document.summary(),
            startedAt: String((document.State.StartedAt ?? "").prefix(64)),
            restartCount: document.RestartCount ?? 0, exitCode: document.State.ExitCode ?? 0,
            wasOutOfMemory: document.State.OOMKilled ?? false,
            stopSignal: configuration?.StopSignal.flatMap { Signal.number($0) },
            stopTimeout: .seconds(min(max(timeout, 0), 3600)),
            checkFailure: document.State.Health?.value?.lastFailure,
            environment: Self.variables(configuration?.Env?.value ?? []))
    }

    private static func variables(_ lines: [JSON.Tolerant<String>]) -> [String: String] {
        var kept: [String: String] = [:]
        var bytes = 0
        for case .value(let line) in lines {
            guard variablePrefixes.contains(where: line.hasPrefix),
                let sign = line.firstIndex(of: "=")
            else { continue }
            bytes += line.utf8.count
            guard bytes <= variableBytesMax else { break }
            kept[String(line[..<sign])] = String(line[line.index(after: sign)...])
        }
        return kept
    }
}

/// The document. The names of the properties are the engine's own.
private struct ContainerDocument: Decodable {
    struct StateEntry: Decodable {
        struct HealthEntry: Decodable {
            struct Run: Decodable {
                let ExitCode: Int?
                let Output: String?
            }

            let Status: String?
            let Log: JSON.Tolerant<[JSON.Tolerant<Run>]>?

            /// What the last run said, if it failed.
            var lastFailure: String? {
                guard case .value(let run)? = Log?.value?.last else { return nil }
                return CheckOutput.failure(exitCode: run.ExitCode ?? 0, output: run.Output ?? "")
            }
        }

        let Status: String?
        let StartedAt: String?
        let ExitCode: Int?
        let OOMKilled: Bool?
        let Health: JSON.Tolerant<HealthEntry>?
    }

    /// Of an object only the names are of interest.
    struct Anything: Decodable {
        init(from decoder: any Decoder) {}
    }

    struct Configuration: Decodable {
        let Image: String?
        let Labels: [String: JSON.Tolerant<String>]?
        let ExposedPorts: [String: Anything]?
        let Env: JSON.Tolerant<[JSON.Tolerant<String>]>?
        let StopSignal: String?
        let StopTimeout: JSON.Tolerant<Int>?
    }

    struct Binding: Decodable {
        let HostIp: String?
        let HostPort: String?
    }

    struct NetworkSettingsEntry: Decodable {
        let Networks: [String: NetworkEntry?]?
        let Ports: [String: [JSON.Tolerant<Binding>]?]?
    }

    let Id: String
    let Name: String?
    let Created: String?
    let RestartCount: Int?
    let State: StateEntry
    let Config: Configuration?
    let HostConfig: ContainerHostEntry?
    let NetworkSettings: NetworkSettingsEntry?

    func summary() throws(JSON.Malformed) -> ContainerSummary {
        try ContainerSummary(
            id: Id, names: Name.map { [$0] } ?? [], image: Config?.Image,
            createdAt: Created.flatMap { Timestamp.nanoseconds($0) } ?? 0, state: State.Status,
            health: State.Health?.value?.Status.flatMap { .init(rawValue: $0) } ?? .none,
            status: State.Status == "exited" ? "Exited (\(State.ExitCode ?? 0))" : "",
            labels: Config?.Labels, networkMode: HostConfig?.NetworkMode,
            networks: NetworkSettings?.Networks, ports: ports)
    }

    /// The ports that are exposed, and where those are published that are.
    private var ports: [ContainerSummary.Port] {
        var ports: [ContainerSummary.Port] = []
        var names = Set((Config?.ExposedPorts ?? [:]).keys)
        names.formUnion((NetworkSettings?.Ports ?? [:]).keys)
        for name in names {
            // `8080/tcp`
            let parts = name.split(separator: "/", maxSplits: 1)
            guard let inside = parts.first.flatMap({ UInt16($0) }), inside > 0 else { continue }
            let isTCP = parts.count < 2 || parts[1] == "tcp"
            let bindings = (NetworkSettings?.Ports?[name] ?? nil) ?? []
            let published = bindings.compactMap(\.value).compactMap { binding -> Endpoint? in
                guard let port = binding.HostPort.flatMap({ UInt16($0) }), port > 0 else {
                    return nil
                }
                return Endpoint(binding.HostIp.flatMap { IPAddress($0) } ?? .v4(0), port)
            }
            if published.isEmpty {
                ports.append(.init(inside, isTCP: isTCP))
            } else {
                ports += published.map { .init(inside, isTCP: isTCP, published: $0) }
            }
        }
        return ports
    }
}

/// Times as engines spell them.
enum Timestamp {
    /// Nanoseconds of a second.
    static let second = 1_000_000_000

    /// Nanoseconds since 1970 of `2026-11-28T11:43:19.1Z` (RFC 3339, in UTC); nil for what is none,
    /// and for what is after 2200.
    static func nanoseconds(_ text: String) -> Int? {
        let parts = text.prefix(19).split { "-T:".contains($0) }.map { Int($0) }
        guard text.utf8.count >= 20, parts.count == 6,
            let year = parts[0], let month = parts[1], let day = parts[2], let hour = parts[3],
            let minute = parts[4], let second = parts[5],
            (1970...2200).contains(year), (1...12).contains(month), (1...31).contains(day),
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        // Days by the civil calendar, whose years begin in March for this.
        let (y, m) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
        let days = y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
        return seconds * Self.second + fraction(text.dropFirst(19))
    }

    /// Nanoseconds of `.1Z`; 0 without a fraction.
    private static func fraction(_ text: Substring) -> Int {
        guard text.first == "." else { return 0 }
        let digits = text.dropFirst().prefix { ("0"..."9").contains($0) }.prefix(9)
        return Int(digits + String(repeating: "0", count: 9 - digits.count)) ?? 0
    }
}
