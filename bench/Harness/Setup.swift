// Setup: what a proxy is asked to be in one scenario; every peer has its own words for it.

/// What a proxy has to do, and where.
struct Setup: Sendable {
    /// What it speaks.
    enum Mode: Sendable { case http, tcp }

    var mode = Mode.http
    /// Of the origin, on every address of 127.0.0.0/8.
    var origin: UInt16
    /// Where the proxy listens; the next one up is free as well.
    var port: UInt16
    /// Endpoints of the one service, all of which lead to the origin.
    var backends = 1
    /// Services, each with one endpoint and found by its host name (`host(_:)`).
    var services = 1
    /// Whether it writes a line for each request to the file `logPath`.
    var hasAccessLog = false
    /// Of clients, at once.
    var connections = 1_000
    /// A folder for its files.
    var folder: String

    /// Where the access log goes.
    var logPath: String { "\(folder)/access.log" }

    /// Address of the `index`-th endpoint: 127.0.1.1 and so on, 250 in each network.
    static func address(_ index: Int) -> String { "127.0.\(index / 250 + 1).\(index % 250 + 1)" }

    /// The endpoints of the one service.
    var endpoints: [String] { (0..<backends).map { "\(Self.address($0)):\(origin)" } }

    /// The host whose requests go to the `index`-th service.
    static func host(_ index: Int) -> String { "s\(index).bench" }
}
