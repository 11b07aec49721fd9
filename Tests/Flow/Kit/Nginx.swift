// nginx as the web application behind the proxy: a real server, with a real server's habits on
// keep-alive connections, that says which instance answered.

internal import Glibc
internal import TestSupport

/// An nginx of one process on 127.0.0.1, so that SIGKILL leaves nothing behind. It answers
/// `/health` with 200 and everything else with its name. One thread.
final class Nginx {
    /// A DNS label; also the body of every answer, with the port after a colon if it has several.
    let name: String
    let ports: [UInt16]
    /// The first of them.
    let port: UInt16
    private let folder: TemporaryFolder
    private let security: (pair: TestAuthority.Pair, options: String)?
    private var process: RunningProcess?

    /// Returns when the server answers, on as many ports as asked for. With `pair` it speaks TLS,
    /// with `options` of its own for that.
    init(
        _ name: String, ports count: Int = 1, securedBy pair: TestAuthority.Pair? = nil,
        _ options: String = ""
    ) throws {
        self.name = name
        security = pair.map { ($0, options) }
        port = try FreePort.take()
        ports = try [port] + (1..<count).map { _ in try FreePort.take() }
        folder = try TemporaryFolder()
        try start()
    }

    /// Starts again after `kill`, on the same port.
    func start() throws {
        let scheme = security == nil ? "" : " ssl"
        let listens = ports.map { "listen 127.0.0.1:\($0)\(scheme);" }.joined(separator: " ")
        let security =
            security.map {
                "ssl_certificate \($0.pair.cert); ssl_certificate_key \($0.pair.key); \($0.options)"
            } ?? ""
        let answer = ports.count == 1 ? name : "\(name):$server_port"
        let configuration = try folder.write(
            """
            daemon off;
            master_process off;
            pid \(folder.path("pid"));
            error_log stderr;
            events { worker_connections 1024; }
            http {
                access_log \(folder.path("access.log"));
                client_body_temp_path \(folder.path("body"));
                proxy_temp_path \(folder.path("proxy"));
                fastcgi_temp_path \(folder.path("fastcgi"));
                uwsgi_temp_path \(folder.path("uwsgi"));
                scgi_temp_path \(folder.path("scgi"));
                keepalive_requests 1000000;
                server {
                    \(listens)
                    \(security)
                    location / { return 200 "\(answer)"; }
                    location /health { access_log off; return 200 "healthy"; }
                }
            }
            """, to: "nginx.conf")
        let process = try RunningProcess(["nginx", "-e", "stderr", "-c", configuration])
        self.process = process
        try waitFor("nginx \(name) to answer; it said:\n\(process.transcript)") { () -> Void? in
            if let exit = process.exit { throw FlowError("nginx: \(exit):\n\(process.transcript)") }
            // By TLS, a 400 for plain HTTP is an answer.
            return (try? get("/health", port: port)).map { _ in () }
        }
    }

    /// Ends it between two instructions: its connections are reset or closed by the kernel.
    func kill() throws {
        process?.signal(SIGKILL)
        try process?.waitForExit()
    }

    /// How many requests it has answered since its first start, `/health` aside.
    var requests: Int {
        (readFile(folder.path("access.log")) ?? "").utf8.count { $0 == UInt8(ascii: "\n") }
    }
}
