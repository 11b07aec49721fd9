// A machine of a test's own, as far as namespaces make one: network, processes and mounts. What
// runs in it sees no other network, changes nobody else's, and is gone with it, however the test
// ends.

internal import CLinux
internal import Glibc
internal import TestSupport

/// Namespaces of the network, of processes and of mounts, held by a first process. The files are
/// everybody's: a Unix socket that is made in it is reached from outside. Needs root. Any thread.
final class OwnMachine: Sendable {
    /// Whether this user may make one here: root, and not where namespaces are refused, as in a
    /// container without privileges.
    static let isPossible =
        geteuid() == 0
        && (try? RunningProcess.run(command + ["true"])) != nil

    private static let command = [
        "unshare", "--net", "--pid", "--mount", "--ipc", "--propagation", "private", "--fork",
        "--kill-child=KILL",
    ]

    /// The first process is the parent of all others in it, which end with it: its number out here.
    let first: pid_t
    private let holder: RunningProcess

    /// Returns when its loopback is up.
    init() throws {
        // Its number out here is what /proc says before it has a /proc of its own. A shell that
        // waits buries the dead of others too: an engine takes a dead containerd for one that runs.
        let script = """
            ip link set lo up && read -r id rest </proc/self/stat && mount -t proc proc /proc &&
            echo "first process: $id." && while :; do sleep 1000; done
            """
        holder = try RunningProcess(Self.command + ["sh", "-c", script])
        try holder.waitForOutput(containing: ".")
        let digits = holder.output.split(separator: " ").last?.prefix { $0.isNumber } ?? ""
        guard let first = pid_t(digits) else {
            throw FlowError("a machine of its own said: \(holder.transcript)")
        }
        self.first = first
    }

    deinit {
        end()
    }

    /// Ends all that runs in it, and waits for that.
    func end() {
        holder.signal(SIGKILL)
        // Gone when the last of them is: the kernel ends it after those it is the first of.
        try? waitFor("the end of a machine") {
            unsafe access("/proc/\(first)", F_OK) != 0 ? () : nil
        }
    }

    /// The command that runs `program` in it.
    func command(_ program: [String]) -> [String] {
        ["nsenter", "--target", "\(first)", "--net", "--pid", "--mount", "--ipc", "--"] + program
    }

    /// Runs a program in it to its end, and returns what it wrote to its standard output.
    @discardableResult
    func run(_ program: String...) throws -> String {
        try RunningProcess.run(command(program))
    }

    /// Calls `body` with this thread in its network: connections that are made there, and processes
    /// and threads that are started, are in it and stay so.
    func inside<Result>(_ body: () throws -> Result) throws -> Result {
        let outside = unsafe open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        guard outside >= 0 else { throw FlowError.system("open the network of this thread") }
        defer { close(outside) }
        let network = unsafe open("/proc/\(first)/ns/net", O_RDONLY | O_CLOEXEC)
        guard network >= 0 else { throw FlowError.system("open the network of a machine") }
        defer { close(network) }
        guard setns(network, CLONE_NEWNET) == 0 else { throw FlowError.system("setns") }
        defer {
            // The thread is one of the pool's: no other test may find itself elsewhere.
            if setns(outside, CLONE_NEWNET) != 0 { fatalError("can't leave a network") }
        }
        return try body()
    }
}
