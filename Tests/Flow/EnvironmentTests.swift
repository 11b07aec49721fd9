// `fairlead env`: a command with keys of Consul as its environment.

internal import Endpoints
import TestSupport
import Testing

extension Flow {
    // Goal: a command behaves under `fairlead env` as it does alone, has the keys as its
    // environment, and follows them. Method: a stand-in for Consul's agent, and shells as commands.
    @Suite struct EnvironmentCommand {
        /// A shell that says what it has, and goes on until it is told to stop, or is left alone by
        /// a test that failed.
        private static let service = """
            echo "began with $VERSION"
            trap 'echo stopping; exit 0' TERM
            while kill -0 $PPID; do sleep 0.02; done
            """

        private func withAgent(
            _ keys: [String: String], _ test: (Stage, ConsulStandIn) throws -> Void
        ) throws {
            let agent = try ConsulStandIn()
            defer { agent.stop() }
            put(keys, agent)
            try withStage { try test($0, agent) }
        }

        private func put(_ keys: [String: String], _ agent: ConsulStandIn) {
            agent.change { world in
                for (key, value) in keys { world.put(key, Array(value.utf8)) }
            }
        }

        private func environment(_ agent: Target) -> [String: String] {
            ["CONSUL_HTTP_ADDR": "\(agent)", "FAIRLEAD_LOG_LEVEL": "debug"]
        }

        /// Starts `fairlead env` with `arguments`.
        private func start(
            _ stage: Stage, _ agent: ConsulStandIn, _ arguments: [String],
            extra: [String: String] = [:]
        ) throws -> RunningProcess {
            stage.hold(
                try Fairlead.start(
                    ["env"] + arguments,
                    environment: environment(agent.target).merging(extra) { $1 }))
        }

        /// Runs `fairlead env` with a short `--wait`, which it has to end after with 125, and with
        /// longer ones until its errors, which are returned, have `text`: on a busy machine it may
        /// get no answer within the first.
        private func startPatiently(
            _ stage: Stage, _ agent: Target, _ arguments: [String], until text: String
        ) throws -> String {
            var wait = 300
            return try waitFor("“\(text)” within \(wait) ms") {
                let process = stage.hold(
                    try Fairlead.start(
                        ["env", "--wait", "\(wait)ms"] + arguments,
                        environment: environment(agent)))
                #expect(try process.waitForExit() == .status(125), "\(process.transcript)")
                wait *= 2
                return process.errors.contains(text) ? process.errors : nil
            }
        }

        private func count(_ text: String, in output: String) -> Int {
            output.split(separator: "\n").count { $0.contains(text) }
        }

        // MARK: As if it ran alone

        @Test func `keys are variables, streams are its own, and its exit code is ours`() throws {
            try withAgent([
                "all/level": "info", "all/db/host": "db.test", "web/level": "debug",
                "web/text": "two words\nand a line",
            ]) { stage, agent in
                let script = """
                    read line; echo "$DB_HOST $LEVEL <$TEXT> $line"; echo bad >&2; exit 7
                    """
                let process = stage.hold(
                    try RunningProcess(
                        [
                            "sh", "-c", #"echo typed | "$0" env all web/ -- sh -c "$1""#,
                            try Fairlead.program(), script,
                        ], environment: environment(agent.target)))
                #expect(try process.waitForExit() == .status(7))
                #expect(process.output == "db.test debug <two words\nand a line> typed\n")
                try process.waitForErrors(containing: "bad\n")
            }
        }

        @Test func `a command that is killed, not there or not a program ends us as a shell does`()
            throws
        {
            try withAgent([:]) { stage, agent in
                for (command, code) in [
                    (["sh", "-c", "kill -KILL $$"], 137), (["/nowhere/program"], 127),
                    (["/etc/passwd"], 126),
                ] {
                    let process = try start(stage, agent, ["web", "--"] + command)
                    #expect(try process.waitForExit() == .status(Int32(code)), "\(command)")
                }
            }
        }

        @Test func `it has our standard streams and no other descriptor, and default signals`()
            throws
        {
            // The shell reads its status itself: dash has every signal blocked while it starts a
            // program, and that program may look before they are free again. Two of glibc's own
            // signals are ignored in whatever posix_spawn(3) starts.
            let script = """
                ls /proc/$$/fd
                while read name value; do
                    case $name in SigBlk:) blocked=$value ;; SigIgn:) ignored=$value ;; esac
                done </proc/self/status
                echo "blocked $blocked"
                echo "ignored ${ignored#????????}" | tr 8 0
                """
            // What the tests have open is not to be passed on to us.
            let closing = """
                for path in /proc/self/fd/*; do
                    [ "${path##*/}" -le 2 ] || eval "exec ${path##*/}>&-"
                done
                exec "$0" "$@"
                """
            try withAgent(["web/a": "1"]) { stage, agent in
                for flags in [[], ["--once"]] {
                    let process = stage.hold(
                        try RunningProcess(
                            ["bash", "-c", closing, try Fairlead.program(), "env"] + flags
                                + ["web", "--", "sh", "-c", script],
                            environment: environment(agent.target)))
                    #expect(try process.waitForExit() == .status(0))
                    #expect(
                        process.output == """
                            0
                            1
                            2
                            blocked 0000000000000000
                            ignored 00000000

                            """)
                }
            }
        }

        @Test func `our own environment is passed on byte for byte, or not at all`() throws {
            try withAgent(["web/kept": "new", "web/added": "x"]) { stage, agent in
                let whole = stage.hold(
                    try RunningProcess(
                        [
                            "sh", "-c",
                            #"ODD="$(printf 'a\377b')" exec "$0" env web -- sh -c "$1""#,
                            try Fairlead.program(),
                            #"echo "$KEPT $ADDED $OTHER"; printf %s "$ODD" | od -An -tx1"#,
                        ],
                        environment: environment(agent.target).merging([
                            "KEPT": "old", "OTHER": "other",
                        ]) { $1 }))
                #expect(try whole.waitForExit() == .status(0))
                #expect(whole.output == "new x other\n 61 ff 62\n")
                let bare = try start(stage, agent, ["--pristine", "web", "--", "/usr/bin/env"])
                #expect(try bare.waitForExit() == .status(0))
                #expect(bare.output == "ADDED=x\nKEPT=new\n")
            }
        }

        @Test func `signals are passed on, and a stop is the command's own`() throws {
            try withAgent(["web/version": "1"]) { stage, agent in
                let script = """
                    trap 'echo usr1' USR1; trap 'echo hup' HUP; trap 'echo term; exit 9' TERM
                    echo ready
                    while kill -0 $PPID; do sleep 0.02; done
                    """
                let process = try start(stage, agent, ["web", "--", "sh", "-c", script])
                try process.waitForOutput(containing: "ready")
                for (number, text) in [(Int32(10), "usr1"), (1, "hup")] {
                    process.signal(number)
                    try process.waitForOutput(containing: text)
                }
                process.signal(15)
                #expect(try process.waitForExit() == .status(9))
            }
        }

        @Test func `on a terminal the command may read, and what is typed reaches it once`() throws
        {
            try withAgent(["web/version": "1"]) { stage, agent in
                let folder = stage.hold(try TemporaryFolder())
                let command = try folder.write(
                    """
                    trap 'echo interrupted' INT
                    read line; echo "read $line"; touch \(folder.path("ready"))
                    i=0; while [ $i -lt 50 ]; do sleep 0.02; i=$((i+1)); done; exit 6
                    """, to: "command")
                // A shell on that terminal says how we ended, and outlives what is typed.
                let wrapper = try folder.write(
                    """
                    trap : INT
                    "$1" env web -- sh "$2"
                    echo "ended with $?"
                    """, to: "wrapper")
                let typing = """
                    (echo typed; until [ -e "$3" ]; do sleep 0.05; done; printf '\\003'; sleep 3) |
                        script -qfc "sh $0 $1 $2" /dev/null
                    """
                let process = stage.hold(
                    try RunningProcess(
                        [
                            "sh", "-c", typing, wrapper, try Fairlead.program(), command,
                            folder.path("ready"),
                        ], environment: environment(agent.target)))
                _ = try process.waitForExit()
                #expect(count("ended with 6", in: process.output) == 1, "\(process.transcript)")
                #expect(count("read typed", in: process.output) == 1)
                #expect(count("interrupted", in: process.output) == 1, "\(process.output)")
            }
        }

        @Test func `with --once the command takes our place, and changes mean nothing`() throws {
            try withAgent(["web/version": "1"]) { stage, agent in
                let process = try start(
                    stage, agent,
                    ["--once", "web", "--", "sh", "-c", "echo pid $$; " + Self.service])
                try process.waitForOutput(containing: "began with 1")
                #expect(process.output.contains("pid \(process.id ?? 0)\n"))
                put(["web/version": "2"], agent)
                pause(milliseconds: 1_500)
                #expect(!process.output.contains("stopping"))
                process.signal(15)
                #expect(try process.waitForExit() == .status(0))
            }
        }

        // MARK: The first process of a container

        @Test func `as process 1 it reaps orphans, and hears SIGTERM`() throws {
            // Three orphans that end at once: whoever does not reap them has three zombies.
            let script = """
                for name in a b c; do sh -c 'sleep 0.05 &'; done
                sleep 0.6
                # They end when they get to it, on a busy machine; a zombie that stays is the fault.
                until [ "$(grep -lE '^(Name:.sleep|State:.Z)' /proc/[0-9]*/status | wc -l)" = 0 ]
                do sleep 0.05; done
                echo "zombies: $(grep -l 'State:.Z' /proc/[0-9]*/status | wc -l)"
                trap 'echo term; exit 5' TERM
                kill -TERM 1
                while kill -0 $PPID; do sleep 0.02; done
                """
            for flags in [[], ["--once"]] {
                try withAgent(["web/version": "1"]) { stage, agent in
                    let process = stage.hold(
                        try RunningProcess(
                            [
                                "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
                                try Fairlead.program(), "env",
                            ] + flags + ["web", "--", "sh", "-c", script],
                            environment: environment(agent.target)))
                    #expect(try process.waitForExit() == .status(5), "\(process.transcript)")
                    #expect(process.output == "zombies: 0\nterm\n")
                }
            }
        }

        // MARK: What is missing

        @Test func `it waits for what is required, or fails and says what`() throws {
            try withAgent(["web/db/host": "h"]) { stage, agent in
                let flags = ["--required", "db/host,DB_PASSWORD", "web", "--"]
                let late = try startPatiently(
                    stage, agent.target, flags + ["true"], until: "env.waiting missing=DB_PASSWORD")
                #expect(late.contains("these variables are missing: DB_PASSWORD"), "\(late)")

                let patient = try start(
                    stage, agent, flags + ["sh", "-c", #"echo "got $DB_PASSWORD""#])
                try patient.waitForOutput(containing: "env.waiting missing=DB_PASSWORD")
                put(["web/db/password": "p"], agent)
                #expect(try patient.waitForExit() == .status(0))
                #expect(patient.output == "got p\n")

                let stopped = try start(
                    stage, agent, ["--required", "never"] + ["web", "--", "true"])
                try stopped.waitForOutput(containing: "env.waiting missing=NEVER")
                stopped.signal(15)
                #expect(try stopped.waitForExit() == .status(143))
            }
        }

        @Test func `it waits for an agent that is not there, and goes on without one that leaves`()
            throws
        {
            try withStage { stage in
                let target = Target.endpoint(Endpoint(.loopback, try FreePort.take()))
                _ = try startPatiently(
                    stage, target, ["web", "--", "true"], until: "\(target) could not be reached")

                let process = stage.hold(
                    try Fairlead.start(
                        ["env", "--settle", "100ms", "web", "--", "sh", "-c", Self.service],
                        environment: environment(target)))
                try process.waitForOutput(containing: "env.keys_failed")
                let first = try ConsulStandIn(on: target)
                put(["web/version": "1"], first)
                try process.waitForOutput(containing: "began with 1")
                first.stop()
                try waitFor("the failure to be told") {
                    count("env.keys_failed", in: process.errors) >= 2 ? () : nil
                }
                // One that has lost everything is not believed, and one that knows more is.
                let second = try ConsulStandIn(on: target)
                defer { second.stop() }
                try process.waitForOutput(containing: "env.keys_empty")
                #expect(!process.output.contains("stopping"))
                put(["web/version": "2"], second)
                try process.waitForOutput(containing: "began with 2")
                process.signal(15)
                #expect(try process.waitForExit() == .status(0))
            }
        }

        // MARK: Changes

        @Test func `ten keys that change one by one are one restart`() throws {
            try withAgent(["web/version": "1"]) { stage, agent in
                // Long beside the pauses between them, also on a busy machine.
                let process = try start(
                    stage, agent, ["--settle", "3s", "web", "--", "sh", "-c", Self.service])
                try process.waitForOutput(containing: "began with 1")
                for number in 2...10 {
                    put(["web/version": "\(number)", "web/k\(number)": "x"], agent)
                    pause(milliseconds: 50)
                }
                try process.waitForOutput(containing: "began with 10")
                pause(milliseconds: 1_500)
                #expect(count("began with", in: process.output) == 2)
                #expect(count("stopping", in: process.output) == 1)
                try process.waitForErrors(
                    containing: "env.changed variables=K10,K2,K3,K4,K5,K6,K7,K8,K9,VERSION")
                process.signal(15)
                #expect(try process.waitForExit() == .status(0))
            }
        }

        @Test func `a change is a signal when that was asked for, and the command runs on`() throws
        {
            try withAgent(["web/version": "1"]) { stage, agent in
                let script = """
                    echo ready; trap 'echo hup; exit 4' HUP
                    while kill -0 $PPID; do sleep 0.02; done
                    """
                let process = try start(
                    stage, agent,
                    ["--signal", "hup", "--settle", "50ms", "web", "--", "sh", "-c", script])
                try process.waitForOutput(containing: "ready")
                put(["web/version": "2"], agent)
                #expect(try process.waitForExit() == .status(4))
                #expect(process.output == "ready\nhup\n")
            }
        }

        @Test func `one that ignores SIGTERM is killed with what it has started`() throws {
            try withAgent(["web/version": "1"]) { stage, agent in
                let script = """
                    trap '' TERM
                    [ "$VERSION" = 1 ] && { sleep 600 & echo "left $!"; }
                    echo "began with $VERSION"
                    while kill -0 $PPID; do sleep 0.02; done
                    """
                let process = try start(
                    stage, agent,
                    [
                        "--settle", "50ms", "--kill-after", "200ms", "web", "--", "sh", "-c",
                        script,
                    ])
                try process.waitForOutput(containing: "began with 1")
                let left = try #require(
                    process.output.split(separator: "\n").first?.split(separator: " ").last)
                put(["web/version": "2"], agent)
                try process.waitForOutput(containing: "began with 2")
                try process.waitForErrors(containing: "env.killed")
                try waitFor("what it has started to end") {
                    let state = readFile("/proc/\(left)/stat") ?? ""
                    return state.isEmpty || state.contains(") Z") ? () : nil
                }
            }
        }

        // MARK: Secrets

        @Test func `no value is in anything that we write, whatever goes wrong`() throws {
            let secret = "hunter2-0123456789"
            try withAgent([
                "web/password": secret, "web/1bad": secret, "web/db-x": secret, "web/db/x": secret,
                "web/nul": secret + "\u{0}",
            ]) { stage, agent in
                let process = try start(
                    stage, agent,
                    [
                        "--settle", "50ms", "--required", "password", "web", "--", "sh", "-c",
                        #"echo "began with ${#PASSWORD}"; "# + Self.service,
                    ],
                    extra: ["CONSUL_HTTP_TOKEN": "token-\(secret)", "FAIRLEAD_LOG_FORMAT": "json"])
                try process.waitForOutput(containing: "began with 18")
                let lies: [ConsulWorld.Lie] = [
                    .body("[{\"Key\":\"web/password\",\"Value\":\"\(secret)\"}]"), .garbage,
                    .body(secret), .status(403, "token-\(secret) may not"), .status(500, secret),
                ]
                for lie in lies.dropLast() {
                    agent.change { $0.lie = lie }
                    agent.closeConnections()
                    pause(milliseconds: 300)
                }
                agent.change { $0.lie = nil }
                put(["web/password": secret + "!"], agent)
                try process.waitForOutput(containing: "began with 19")
                agent.change { $0.delete("web/password") }
                try process.waitForOutput(containing: "env.kept")
                process.signal(15)
                _ = try process.waitForExit()
                try process.waitForErrors(containing: "web/1bad")
                try process.waitForErrors(containing: "web/nul")
                try process.waitForErrors(containing: "second key for DB_X")
                #expect(!process.errors.contains("hunter2"), "\(process.errors)")
                #expect(
                    agent.seen.allSatisfy { $0.token == "token-\(secret)" }, "the token was sent")
            }
        }

        // MARK: The command line

        @Test func `what makes no sense is refused with 2, and Consul is not asked`() throws {
            try withAgent([:]) { stage, agent in
                for (arguments, message) in [
                    (["web"], "found no command"), (["--", "true"], "found no prefix"),
                    (["/web", "--", "true"], "without a / at its beginning"),
                    (["--signal", "FOO", "web", "--", "true"], "expected one of: HUP"),
                    (["--settle", "5", "web", "--", "true"], "expected a duration"),
                    (["--required", "a b", "web", "--", "true"], "--required: found"),
                    (["--once", "--signal", "HUP", "web", "--", "true"], "expected one of them"),
                ] {
                    let process = try start(stage, agent, arguments)
                    #expect(try process.waitForExit() == .status(2), "\(arguments)")
                    try process.waitForErrors(containing: message)
                }
                #expect(agent.seen.isEmpty)
            }
        }
    }
}
