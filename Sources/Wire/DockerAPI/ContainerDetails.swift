// ContainerDetails: what `/containers/ID/json` says besides the list, as far as it is used. Its
// environment may hold secrets: only the variables of conventions that are read are kept.

package import JSON

/// What an engine says of one container when it is asked. Value type, any thread.
package struct ContainerDetails: Hashable, Sendable {
    /// Bytes that the document may have: health checks and mounts are in it.
    package static let bytesMax = 4 * 1024 * 1024
    /// Beginnings of the variables that are kept.
    package static let variablePrefixes = ["VIRTUAL_", "SERVICE_"]
    /// Bytes of the variables that are kept, names and values together; what is beyond is dropped.
    package static let variableBytesMax = 16 * 1024

    /// When its process began, as the engine spells it: another text is another life.
    package let startedAt: String
    /// How often its restart policy has restarted it.
    package let restartCount: Int
    /// How its last process ended; 0 also for one that runs.
    package let exitCode: Int
    /// Whether the last process was killed for its memory.
    package let wasOutOfMemory: Bool
    /// The signal that asks it to stop, when that is none of those that end any process.
    package let stopSignal: Int?
    /// How long the engine waits behind that before it kills: 10 s unless the container says so.
    package let stopTimeout: Duration
    /// The name that it has inside: by default the beginning of its id.
    package let hostName: String
    /// Variables of its environment that begin with one of `variablePrefixes`.
    package let environment: [String: String]

    /// Details that are known; what is left out is what an engine says of the plainest container.
    package init(
        startedAt: String = "", restartCount: Int = 0, exitCode: Int = 0,
        wasOutOfMemory: Bool = false, stopSignal: Int? = nil, stopTimeout: Duration = .seconds(10),
        hostName: String = "", environment: [String: String] = [:]
    ) {
        self.startedAt = startedAt
        self.restartCount = restartCount
        self.exitCode = exitCode
        self.wasOutOfMemory = wasOutOfMemory
        self.stopSignal = stopSignal
        self.stopTimeout = stopTimeout
        self.hostName = hostName
        self.environment = environment
    }

    /// Reads the answer of `/containers/ID/json`.
    ///
    /// - Throws: `JSON.Malformed`.
    package init(_ bytes: [UInt8]) throws(JSON.Malformed) {
        let document = try JSON.decode(Document.self, from: bytes)
        let configuration = document.Config
        let timeout = configuration?.StopTimeout?.value ?? 10
        self.init(
            startedAt: String((document.State.StartedAt ?? "").prefix(64)),
            restartCount: document.RestartCount ?? 0, exitCode: document.State.ExitCode ?? 0,
            wasOutOfMemory: document.State.OOMKilled ?? false,
            stopSignal: configuration?.StopSignal.flatMap { Signal.number($0) },
            stopTimeout: .seconds(min(max(timeout, 0), 3600)),
            hostName: String((configuration?.Hostname ?? "").prefix(255)),
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

    private struct Document: Decodable {
        struct StateEntry: Decodable {
            let StartedAt: String?
            let ExitCode: Int?
            let OOMKilled: Bool?
        }

        struct Configuration: Decodable {
            let Hostname: String?
            let Env: JSON.Tolerant<[JSON.Tolerant<String>]>?
            let StopSignal: String?
            let StopTimeout: JSON.Tolerant<Int>?
        }

        let State: StateEntry
        let RestartCount: Int?
        let Config: Configuration?
    }
}

/// What `/networks` says: which driver each network has. Value type, any thread.
package enum EngineNetworks {
    /// Bytes that the document may have.
    package static let bytesMax = 4 * 1024 * 1024

    /// The driver of each network by its name: `bridge`, `host`, `null`, `overlay`, `macvlan` …
    ///
    /// - Throws: `JSON.Malformed`.
    package static func drivers(_ bytes: [UInt8]) throws(JSON.Malformed) -> [String: String] {
        let entries = try JSON.decode([JSON.Tolerant<Entry>].self, from: bytes)
        return Dictionary(
            entries.compactMap(\.value).map { ($0.Name, $0.Driver ?? "") },
            uniquingKeysWith: { first, _ in first })
    }

    private struct Entry: Decodable {
        let Name: String
        let Driver: String?
    }
}
