// Instance: a process that the proxies are to send requests to, as the harness holds it.

internal import BenchSupport

/// One instance, running or not. Main thread only.
final class Instance {
    /// The port of every instance that has an address of its own.
    static let sharedPort: UInt16 = 18_080
    /// The address of those that differ in their ports.
    static let sharedAddress = "127.0.2.1"

    /// Never used twice in a run.
    let number: Int
    let address: String
    let port: UInt16
    let process: ChildProcess

    /// The instance's address as in a URL.
    var place: String { "\(address):\(port)" }

    /// Starts it.
    /// - Parameters:
    ///   - sharesAddress: whether it is told from others by its port.
    ///   - idleSeconds: after how long it closes a connection that rests.
    ///   - folder: for its log and the POSTs of all instances.
    init(
        _ number: Int, sharesAddress: Bool, delayMilliseconds: Int, idleSeconds: Int, folder: String
    ) throws {
        self.number = number
        address = sharesAddress ? Self.sharedAddress : "127.0.1.\(number)"
        port = sharesAddress ? Self.sharedPort + UInt16(number) : Self.sharedPort
        process = try ChildProcess(
            [
                try builtProgram("fairlead-bench-churn"), "instance", "--number", "\(number)",
                "--listen", "\(address):\(port)", "--delay", "\(delayMilliseconds)",
                "--idle", "\(idleSeconds)", "--posts", Self.postsPath(folder),
            ], outputPath: "\(folder)/instance-\(number).log")
    }

    /// Where the instances of a run write down the POSTs that they execute.
    static func postsPath(_ folder: String) -> String { "\(folder)/posts" }
}
