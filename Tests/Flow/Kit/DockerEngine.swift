// Docker's engine, as Debian packages it, on a machine of its own: its bridges and rules are in a
// network of the test's, and its containers have no way out of it. Nothing is left of it, whether
// the test ends or the tests do.

internal import Glibc
internal import TestSupport

/// A running engine with one image, `app:1`, that answers each request on port 8080 with its
/// container's id (`AppImage`). Containers outlive the engine's process (`--live-restore`). One
/// thread.
final class DockerEngine {
    /// Where its containers, and what is to reach them, are.
    let machine: OwnMachine
    /// The path of its socket.
    let socket: String
    private let folder: TemporaryFolder
    private let securing: [String]
    private var process: RunningProcess?

    /// The environment in which clients of an engine find this one.
    var environment: [String: String] { ["DOCKER_HOST": "unix://\(socket)"] }

    /// Returns when it answers and has its image. With a certificate it listens on 127.0.0.1:2376
    /// as well, for those who show one of the same authority.
    init(_ pair: TestAuthority.Pair? = nil, of authority: TestAuthority? = nil) throws {
        securing =
            if let pair, let authority {
                [
                    "--host", "tcp://127.0.0.1:2376", "--tlsverify", "--tlscacert", authority.file,
                    "--tlscert", pair.cert, "--tlskey", pair.key,
                ]
            } else { [] }
        folder = try TemporaryFolder()
        machine = try OwnMachine()
        socket = folder.path("docker.sock")
        try start()
        try AppImage.make(in: folder) { archive in
            try docker(
                "import", "--change", "CMD [\"/app\"]", "--change", "EXPOSE 8080", archive,
                "app:1")
        }
    }

    deinit {
        // The folder goes after this: nothing may write to it any more.
        machine.end()
    }

    /// Starts it, also again; returns when it answers.
    func start() throws {
        process = try RunningProcess(
            machine.command(
                [
                    "dockerd", "--host", "unix://\(socket)", "--data-root", folder.path("data"),
                    "--exec-root", folder.path("exec"), "--pidfile", folder.path("pid"),
                    "--storage-driver", "overlay2", "--live-restore", "--log-level", "warn",
                ] + securing))
        try waitFor("the engine to answer; it said:\n\(process?.transcript ?? "")") { () -> Void? in
            if let exit = process?.exit {
                throw FlowError("dockerd: \(exit):\n\(process?.transcript ?? "")")
            }
            return (try? docker("version")) == nil ? nil : ()
        }
    }

    /// Ends it as `kill -9` does: its containers go on, and its socket stays, without an answer.
    func kill() throws {
        try end("-KILL")
    }

    /// Ends it as its service manager does: its containers go on, and its socket goes.
    func stop() throws {
        try end("-TERM")
    }

    private func end(_ signal: String) throws {
        let id = (readFile(folder.path("pid")) ?? "").filter { $0.isNumber }
        try machine.run("kill", signal, id)
        try process?.waitForExit()
    }

    /// Runs Docker's own client.
    @discardableResult
    func docker(_ arguments: String...) throws -> String {
        try docker(arguments)
    }

    /// Runs Docker's own client.
    @discardableResult
    func docker(_ arguments: [String]) throws -> String {
        // Another program of this name may be before it in the path.
        try RunningProcess.run(["/usr/bin/docker", "--host", "unix://\(socket)"] + arguments)
    }

    /// Runs a container of the image; `arguments` stand before it. Returns its id, 12 digits.
    func run(_ name: String, _ arguments: [String] = []) throws -> String {
        let id = try docker(["run", "--detach", "--name", name] + arguments + ["app:1"])
        return String(id.prefix(12))
    }

    /// The ids of the containers that run and have a label, 12 digits each.
    func running(_ label: String) throws -> Set<String> {
        let list = try docker("ps", "--quiet", "--filter", "label=\(label)")
        return Set(list.split(separator: "\n").map(String.init))
    }

    /// Runs Compose on a file's text.
    func compose(_ text: String, _ arguments: [String]) throws {
        let file = try folder.write(text, to: "docker-compose.yml")
        let process = try RunningProcess(
            ["docker-compose", "--no-ansi", "--project-name", "shop", "--file", file] + arguments,
            environment: environment)
        let exit = try process.waitForExit(limit: .seconds(60))
        guard exit == .status(0) else {
            throw FlowError("docker-compose \(arguments): \(exit):\n\(process.transcript)")
        }
    }
}

/// What runs in the containers of a test: this machine's nginx, which says the name of its host,
/// and that is the container's id. No registry is at hand. Told to stop it ends at once, without a
/// word to its clients.
private enum AppImage {
    private static let configuration = """
        daemon off;
        user root;
        error_log stderr;
        pid /tmp/pid;
        events { }
        http {
            access_log off;
            client_body_temp_path /tmp/body;
            proxy_temp_path /tmp/proxy;
            fastcgi_temp_path /tmp/fastcgi;
            uwsgi_temp_path /tmp/uwsgi;
            scgi_temp_path /tmp/scgi;
            server {
                listen 8080;
                location / { return 200 "$hostname"; }
            }
        }
        """
    /// DELAY is how many seconds it needs until it listens.
    private static let app = """
        #!/bin/sh
        sleep "${DELAY:-0}"
        exec nginx -e stderr -c /etc/nginx.conf
        """
    /// Copies programs, with the libraries that they need, into a folder.
    private static let copy = """
        set -e; to=$1; shift
        for program; do
            file=$(command -v "$program")
            cp -L --parents "$file" $(ldd "$file" | grep -o '/[^ ]*') "$to"
        done
        """

    /// Calls `use` with the path of an archive of its files.
    static func make(in folder: TemporaryFolder, _ use: (String) throws -> Void) throws {
        for name in ["", "/etc", "/tmp", "/usr", "/usr/bin"] {
            try folder.makeFolder("image\(name)")
        }
        try folder.link("image/bin", to: "usr/bin")
        try folder.write(configuration, to: "image/etc/nginx.conf")
        try folder.write("root:x:0:0::/:/bin/sh\n", to: "image/etc/passwd")
        try folder.write("root:x:0:\n", to: "image/etc/group")
        try folder.write(app, to: "image/app", mode: 0o755)
        // Not `test`, which the shell knows itself.
        let programs = ["nginx", "sh", "sleep", "/usr/bin/test", "touch", "rm"]
        let image = folder.path("image")
        _ = try RunningProcess.run(["sh", "-c", copy, "sh", image] + programs)
        let archive = folder.path("image.tar")
        _ = try RunningProcess.run(["tar", "-C", image, "-cf", archive, "."])
        try use(archive)
    }
}
