// A stand-in for an engine: containers that a test starts and stops, listed and told of as an
// engine of API 1.52 does, on a Unix socket, in the loop that the test turns.

package import Endpoints
package import Events
internal import Glibc

/// An engine. The test's thread only.
package final class StandInEngine {
    /// A container as it is listed.
    package struct StandInContainer {
        package var id: String
        package var name: String
        package var state = "running"
        package var health = "none"
        /// What the last run of its HEALTHCHECK wrote before it ended with 1, as JSON has it; nil
        /// for one that passed.
        package var checkOutput: String?
        package var labels: [String: String] = [:]
        package var address = "172.17.0.2"
        package var port = 80
        package var variables: [String] = []
        package var startedAt = 1
        package var image = ""
        /// The port of the host, on all its addresses; nil for one that is not published.
        package var published: Int?
        package var exitCode = 0
        package var networkMode = "bridge"

        var json: String {
            let isAlive = state == "running" || state == "paused"
            let labels = labels.sorted { $0.key < $1.key }
                .map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")
            return """
                {"Id":"\(id)","Names":["/\(name)"],"State":"\(state)","Status":"\(state)",\
                "Created":1,"Health":{"Status":"\(health)"},"Labels":{\(labels)},\
                "Ports":\(isAlive ? "[{\"PrivatePort\":\(port),\"Type\":\"tcp\"}]" : "[]"),\
                "HostConfig":{"NetworkMode":"\(networkMode)"},"NetworkSettings":{"Networks":{"bridge":\
                {"IPAddress":"\(isAlive ? address : "")"}}}}
                """
        }

        private var bindings: String {
            guard let published, state == "running" || state == "paused" else { return "" }
            return "\"\(port)/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"\(published)\"}]"
        }

        private var log: String {
            checkOutput.map { #"{"ExitCode":0,"Output":"well"},{"ExitCode":1,"Output":"\#($0)"}"# }
                ?? ""
        }

        var details: String {
            let isAlive = state == "running" || state == "paused"
            let variables = variables.map { "\"\($0)\"" }.joined(separator: ",")
            let labels = labels.sorted { $0.key < $1.key }
                .map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")
            return """
                {"Id":"\(id)","Name":"/\(name)","Created":"2026-11-28T11:43:19.1Z",\
                "State":{"Status":"\(state)","StartedAt":"\(startedAt)","ExitCode":\(exitCode),\
                "Health":{"Status":"\(health)","Log":[\(log)]}},"HostConfig":{"NetworkMode":"\(networkMode)"},\
                "Config":{"Image":"\(image)","Env":[\(variables)],"Labels":{\(labels)},\
                "ExposedPorts":{"\(port)/tcp":{}}},"NetworkSettings":{"Ports":{\(bindings)},\
                "Networks":\
                {"bridge":{"IPAddress":"\(isAlive ? address : "")"}}}}
                """
        }
    }

    /// By id.
    package var containers: [String: StandInContainer] = [:]
    /// What is answered to a path that begins so, in place of what would be: status and body.
    package var answers: [String: (status: Int, body: String)] = [:]
    /// Paths whose answers are held back until `release()`.
    package var held: Set<String> = []
    /// Every path that was asked for.
    package fileprivate(set) var asked: [String] = []
    package let path: String
    private let loop: EventLoop
    private var server: Server?
    fileprivate var streams: [Connection] = []
    fileprivate var waiting: [(Connection, String)] = []

    package init(on loop: EventLoop, name: String) throws {
        self.loop = loop
        path = "/tmp/fairlead-docker-tests-\(name)-\(ContinuousClock.now.hashValue).sock"
        try listen()
    }

    deinit { stop() }

    package var target: Target { .unix(path) }
    /// How many connections have the stream of events open.
    package var streamCount: Int { streams.count }

    // MARK: What it does

    package func listen() throws {
        server = Server(try listenAtUnixPath(path), of: self, on: loop)
    }

    /// Stops without a word: connections are cut, and the socket goes.
    package func stop() {
        server?.close()
        server = nil
        streams = []
        waiting = []
        unsafe unlink(path)
    }

    /// Cuts the stream of events.
    package func cut() {
        for stream in streams { stream.close() }
        streams = []
    }

    package static func id(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 64 - digits.count) + digits
    }

    @discardableResult
    package func run(
        _ number: Int, _ name: String, _ change: (inout StandInContainer) -> Void = { _ in }
    )
        -> String
    {
        var container = StandInContainer(id: Self.id(number), name: name)
        container.address = "172.17.0.\(number)"
        change(&container)
        containers[container.id] = container
        tell(container.id, "start")
        return container.id
    }

    package func kill(_ id: String, signal: Int = 15) {
        tell(id, "kill", #","signal":"\#(signal)""#)
    }

    package func die(_ id: String, exitCode: Int = 0) {
        containers[id]?.state = "exited"
        tell(id, "die", #","exitCode":"\#(exitCode)""#)
    }

    package func remove(_ id: String) {
        containers[id] = nil
        tell(id, "destroy")
    }

    /// Changes a container and says so.
    package func change(_ id: String, _ action: String, _ change: (inout StandInContainer) -> Void)
    {
        if var container = containers[id] {
            change(&container)
            containers[id] = container
        }
        tell(id, action)
    }

    package func tell(_ id: String, _ action: String, _ attributes: String = "") {
        say(
            #"{"Type":"container","Action":"\#(action)","Actor":{"ID":"\#(id)","Attributes":{"#
                + #""name":"x"\#(attributes)}}}"#)
    }

    /// Writes a line to the stream of events.
    package func say(_ line: String) {
        let text = line + "\n"
        let chunk = "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
        for stream in streams { stream.send(chunk) }
    }

    /// Answers what was held back, as the engine was when it was asked, and holds no more.
    package func release() {
        held = []
        for (connection, answer) in waiting { connection.send(answer) }
        waiting = []
    }

    // MARK: What it answers

    fileprivate func answer(_ target: String, on connection: Connection) {
        asked.append(target)
        let path = target.hasPrefix("/v1.") ? String(target.dropFirst("/v1.52".count)) : target
        if let (status, body) = answers.first(where: { path.hasPrefix($0.key) })?.value {
            return send("HTTP/1.1 \(status) X", body, path, connection)
        }
        if path.hasPrefix("/events") {
            streams.append(connection)
            return connection.send(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        }
        if path == "/version" {
            return send(
                "HTTP/1.1 200 OK", #"{"ApiVersion":"1.52","MinAPIVersion":"1.44","Version":"29"}"#,
                path, connection)
        }
        if path == "/networks" {
            return send(
                "HTTP/1.1 200 OK", #"[{"Name":"bridge","Driver":"bridge"}]"#, path, connection)
        }
        if path.hasPrefix("/containers/json") {
            let list = containers.values.map(\.json).joined(separator: ",")
            return send("HTTP/1.1 200 OK", "[\(list)]", path, connection)
        }
        let id = path.split(separator: "/").dropFirst().first.map(String.init) ?? ""
        if let container = containers[id] {
            return send("HTTP/1.1 200 OK", container.details, path, connection)
        }
        send("HTTP/1.1 404 X", #"{"message":"No such container: \#(id)"}"#, path, connection)
    }

    private func send(_ line: String, _ body: String, _ path: String, _ connection: Connection) {
        let answer = "\(line)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        if held.contains(where: path.hasPrefix) {
            waiting.append((connection, answer))
        } else {
            connection.send(answer)
        }
    }

    // MARK: Sockets

    private final class Server: Channel {
        private unowned let engine: StandInEngine
        private var connections: [Connection] = []

        init(_ descriptor: Descriptor, of engine: StandInEngine, on loop: EventLoop) {
            self.engine = engine
            super.init(descriptor, on: loop)
            startReading()
        }

        override func onReadable() {
            while case .connection(let accepted, _) = descriptor.accept() {
                let connection = Connection(accepted, of: engine, on: loop)
                connections.append(connection)
                connection.startReading()
            }
        }

        override func close() {
            for connection in connections { connection.close() }
            connections = []
            super.close()
        }
    }

    fileprivate final class Connection: StreamChannel {
        private unowned let engine: StandInEngine
        private var input = ""
        private let buffer = ReceiveBuffer(capacity: 16 * 1024)

        init(_ descriptor: Descriptor, of engine: StandInEngine, on loop: EventLoop) {
            self.engine = engine
            super.init(descriptor, on: loop)
        }

        func send(_ text: String) {
            guard isOpen else { return }
            _ = write(Array(text.utf8))
        }

        override func onBroken() { close() }

        override func onReadable() {
            guard case .bytes(let count) = receive(into: buffer) else { return close() }
            buffer.withBytes(count) { bytes in
                var copy: [UInt8] = []
                for index in bytes.indices { copy.append(bytes[index]) }
                input += String(decoding: copy, as: UTF8.self)
            }
            while let end = input.range(of: "\r\n\r\n") {
                let target = input.split(separator: " ").dropFirst().first.map(String.init) ?? ""
                input = String(input[end.upperBound...])
                engine.answer(target, on: self)
            }
        }
    }
}

extension String {
    /// Where `text` is, without Foundation.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        let bytes = Array(utf8)
        let wanted = Array(text.utf8)
        guard bytes.count >= wanted.count else { return nil }
        for start in 0...(bytes.count - wanted.count)
        where Array(bytes[start..<start + wanted.count]) == wanted {
            let from = utf8.index(utf8.startIndex, offsetBy: start)
            return from..<utf8.index(from, offsetBy: wanted.count)
        }
        return nil
    }
}
