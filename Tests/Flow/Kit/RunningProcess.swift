// A program under test: started, listened to, signalled by its own process id, and never left
// behind.
//
// Each process has a thread that spawns it and then waits for its end. That thread matters:
// `setpriv --pdeathsig` has the kernel kill the program when the *thread* that spawned it ends, so
// a test run that crashes takes its servers along, and a pooled thread that comes and goes would
// take them too early.

internal import FoundationEssentials
internal import Glibc
internal import Synchronization
internal import TestSupport

/// One child process, killed when the last reference to it goes (a `Stage` holds them for the
/// length of a test). Its output goes to files in a folder of its own. Any thread.
final class RunningProcess: Sendable {
    /// How a process ended.
    enum Exit: Equatable, CustomStringConvertible {
        case status(Int32)
        case signal(Int32)

        var description: String {
            switch self {
            case .status(let code): "exit status \(code)"
            case .signal(let number): "killed by signal \(number)"
            }
        }
    }

    /// What is run, for messages.
    let name: String
    private let folder: TemporaryFolder
    private let child = Child()

    /// Starts `arguments[0]`, found by `PATH` (to which the folders of servers are added), with the
    /// environment of the tests plus `environment`.
    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        name = arguments.first ?? "nothing"
        folder = try TemporaryFolder()
        let command = ["setpriv", "--pdeathsig", "KILL", "--"] + arguments
        try startThread { [child, folder] in child.spawnAndReap(command, environment, folder) }
        try waitFor("the start of \(name)") { try child.hasStarted() ? () : nil }
    }

    deinit {
        signal(SIGKILL)
    }

    /// Sends a signal to this process, unless it has ended: its id may be another's by then.
    func signal(_ number: Int32) {
        child.signal(number)
    }

    /// Stops all of its threads with SIGSTOP, and returns when none runs any more: the kernel stops
    /// one thread at the call, and that thread the others.
    func freeze() throws {
        signal(SIGSTOP)
        try waitUntil("every thread of \(name) has stopped") {
            guard let id else { return exit != nil }
            let tasks = "/proc/\(id)/task"
            let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
            return !threads.isEmpty
                && threads.allSatisfy { thread in
                    // The state follows the name, which stands in parentheses and may be anything.
                    let line = readFile("\(tasks)/\(thread)/stat") ?? ""
                    return line[(line.lastIndex(of: ")") ?? line.startIndex)...].hasPrefix(") T")
                }
        }
    }

    /// Lets it go on after `freeze`.
    func thaw() {
        signal(SIGCONT)
    }

    /// Nil while it runs.
    var exit: Exit? { child.exit }
    /// Its number; nil before it runs and after its end.
    var id: pid_t? { child.id }

    /// Blocks until the process has ended.
    @discardableResult
    func waitForExit(limit: Duration = safetyLimit) throws -> Exit {
        try waitFor("\(name) to exit; it said:\n\(transcript)", limit: limit) { exit }
    }

    /// Everything it has written to its standard output so far.
    var output: String { readFile(folder.path("stdout")) ?? "" }
    /// Everything it has written to its standard error so far.
    var errors: String { readFile(folder.path("stderr")) ?? "" }
    /// Both, for messages.
    var transcript: String { output + errors }

    /// Blocks until either output contains `text`.
    /// - Throws: when the process ends without having said it.
    func waitForOutput(containing text: String) throws {
        try wait(for: text) { transcript }
    }

    /// Blocks until its standard error contains `text`: another thread writes Fairlead's log, so
    /// that a line may come later than a metric or an answer that says the same.
    /// - Throws: when the process ends without having said it.
    func waitForErrors(containing text: String) throws {
        try wait(for: text) { errors }
    }

    private func wait(for text: String, in said: () -> String) throws {
        try waitFor("\(name) to say “\(text)”; it said:\n\(transcript)") { () -> Void? in
            let ended = exit
            if said().contains(text) { return () }
            if let ended { throw FlowError("\(name): \(ended) without “\(text)”:\n\(transcript)") }
            return nil
        }
    }

    /// Runs to the end and returns what it wrote to its standard output.
    /// - Throws: on any exit status but 0, with what it wrote.
    static func run(_ arguments: [String], limit: Duration = safetyLimit) throws -> String {
        let process = try RunningProcess(arguments)
        let exit = try process.waitForExit(limit: limit)
        guard exit == .status(0) else {
            throw FlowError("\(arguments): \(exit):\n\(process.transcript)")
        }
        return process.output
    }
}

/// What the process's own thread shares with its owner.
private final class Child: Sendable {
    private enum Life {
        case starting
        case failed(FlowError)
        case running(pid_t)
        case ended(RunningProcess.Exit)
    }

    private let life = Mutex(Life.starting)

    var exit: RunningProcess.Exit? {
        life.withLock { if case .ended(let exit) = $0 { exit } else { nil } }
    }

    var id: pid_t? {
        life.withLock { if case .running(let id) = $0 { id } else { nil } }
    }

    func hasStarted() throws -> Bool {
        switch life.withLock({ $0 }) {
        case .starting: false
        case .failed(let error): throw error
        case .running, .ended: true
        }
    }

    func signal(_ number: Int32) {
        life.withLock { if case .running(let pid) = $0 { _ = kill(pid, number) } }
    }

    func spawnAndReap(
        _ command: [String], _ environment: [String: String], _ folder: TemporaryFolder
    ) {
        let pid: pid_t
        switch spawn(command, environment, folder) {
        case .failure(let error): return life.withLock { $0 = .failed(error) }
        case .success(let id): pid = id
        }
        life.withLock { $0 = .running(pid) }
        // Look first and reap under the lock: no one can signal an id that has been given away.
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR
        {}
        life.withLock {
            var status: Int32 = 0
            unsafe _ = waitpid(pid, &status, 0)
            let number = status & 0x7f
            $0 = .ended(number == 0 ? .status(status >> 8 & 0xff) : .signal(number))
        }
    }

    private func spawn(
        _ command: [String], _ extra: [String: String], _ folder: TemporaryFolder
    ) -> Result<pid_t, FlowError> {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe _ = posix_spawn_file_actions_destroy(&actions) }
        // A child inherits its thread's signal mask, and the tests' pooled threads block
        // everything: a server would never hear SIGTERM.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe _ = posix_spawnattr_destroy(&attributes) }
        var nothing = sigset_t()
        unsafe sigemptyset(&nothing)
        unsafe posix_spawnattr_setsigmask(&attributes, &nothing)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        let flags = O_WRONLY | O_CREAT | O_APPEND
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, folder.path("stdout"), flags, 0o600)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, folder.path("stderr"), flags, 0o600)

        let lines = environmentLines(extra)
        let (failure, pid) = spawning.withLock { _ in
            unsafe withCStrings(command) { arguments in
                unsafe withCStrings(lines) { environment in
                    var pid: pid_t = 0
                    // Both vectors end in a null pointer and outlive the call, which copies them.
                    let failure = unsafe posix_spawnp(
                        &pid, command[0], &actions, &attributes, arguments, environment)
                    return (failure, pid)
                }
            }
        }
        guard failure == 0 else {
            return .failure(FlowError(unsafe String(cString: strerror(failure))))
        }
        return .success(pid)
    }
}

/// Held while a child is spawned, and while a descriptor is open that a child would inherit: a
/// connection that a server under test holds as well would never be seen to end.
let spawning = Mutex(())

/// Marks a descriptor as this process's own.
func keepFromChildren(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
}

/// The environment of the tests with `extra` set; servers live in /usr/sbin, which is not in every
/// user's `PATH`.
private func environmentLines(_ extra: [String: String]) -> [String] {
    var lines: [String] = []
    lines.reserveCapacity(64)
    var entry = unsafe environ
    // `environ` is an array of C strings that ends in a null pointer; nothing here changes it.
    while let line = unsafe entry.pointee {
        lines.append(unsafe String(cString: line))
        unsafe entry += 1
    }
    func set(_ key: String, _ value: String) {
        lines.removeAll { $0.hasPrefix(key + "=") }
        lines.append("\(key)=\(value)")
    }
    // The tests' own, which the program would warn of.
    lines.removeAll { $0.hasPrefix("FAIRLEAD_PROGRAM=") }
    let path = lines.first { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? "/usr/bin:/bin"
    set("PATH", path + ":/usr/local/sbin:/usr/sbin:/sbin")
    for (key, value) in extra { set(key, value) }
    return lines
}

/// Calls `body` with an argument vector as C wants it.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers = unsafe strings.map { unsafe strdup($0) }
    defer { unsafe pointers.forEach { unsafe free($0) } }
    unsafe pointers.append(nil)
    return unsafe pointers.withUnsafeBufferPointer { buffer in
        guard let first = buffer.baseAddress else {
            preconditionFailure("the closing nil is there")
        }
        return unsafe body(first)
    }
}
