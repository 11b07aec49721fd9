// A proxy before an engine's socket that lets through what only reads, as operators put one there
// (docker-socket-proxy): nginx, on an address and port of its own.

internal import Glibc

/// An nginx before an engine's socket: GET of `/version`, `/events`, `/containers` and `/networks`
/// gets through, 403 is the answer to all else. One thread.
final class EngineProxy {
    private let process: RunningProcess
    private let folder: TemporaryFolder

    /// Returns when it listens on `address:port`.
    init(of engine: DockerEngine, on address: String, port: UInt16) throws {
        folder = try TemporaryFolder()
        let configuration = try folder.write(
            """
            daemon off;
            master_process off;
            user root;
            pid \(folder.path("pid"));
            error_log stderr;
            events { }
            http {
                access_log off;
                client_body_temp_path \(folder.path("body"));
                proxy_temp_path \(folder.path("proxy"));
                fastcgi_temp_path \(folder.path("fastcgi"));
                uwsgi_temp_path \(folder.path("uwsgi"));
                scgi_temp_path \(folder.path("scgi"));
                server {
                    listen \(address):\(port);
                    location / { return 403; }
                    location ~ ^(/v[0-9.]+)?/(version|events|containers|networks)(/|$) {
                        limit_except GET { deny all; }
                        proxy_pass http://unix:\(engine.socket);
                        proxy_http_version 1.1;
                        proxy_buffering off;
                        proxy_read_timeout 1h;
                    }
                }
            }
            """, to: "nginx.conf")
        process = try RunningProcess(["nginx", "-e", "stderr", "-c", configuration])
        try waitFor("the proxy to listen; it said:\n\(process.transcript)") { () -> Void? in
            try RunningProcess.run(["ss", "-Hltn", "src", "\(address):\(port)"]).isEmpty ? nil : ()
        }
    }

    /// Ends it with its connections.
    func end() throws {
        process.signal(SIGKILL)
        try process.waitForExit()
    }
}
