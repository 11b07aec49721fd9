// The two proxies that Fairlead is compared with, as their manuals set them up.

/// HAProxy or nginx on 127.0.0.1 in front of one backend.
final class Peer: Sendable {
    let port: UInt16
    private let folder: TemporaryFolder
    private let process: RunningProcess

    /// HAProxy, once it accepts.
    static func haproxy(over backend: UInt16) throws -> Peer {
        try Peer { port, folder in
            let file = try folder.write(
                """
                defaults
                    mode http
                    option forwardfor
                    timeout connect 5s
                    timeout client 20s
                    timeout server 20s
                listen web
                    bind 127.0.0.1:\(port)
                    server one 127.0.0.1:\(backend)

                """, to: "haproxy.cfg")
            return ["haproxy", "-db", "-f", file]
        }
    }

    /// nginx, once it accepts.
    static func nginx(over backend: UInt16) throws -> Peer {
        try Peer { port, folder in
            let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map { "    \($0)_temp_path \(folder.path($0));" }.joined(separator: "\n")
            let file = try folder.write(
                """
                daemon off;
                master_process off;
                pid \(folder.path("pid"));
                error_log stderr crit;
                events { }
                http {
                    access_log off;
                \(paths)
                    server {
                        listen 127.0.0.1:\(port);
                        location / {
                            proxy_pass http://127.0.0.1:\(backend);
                            proxy_http_version 1.1;
                            proxy_set_header Connection "";
                            proxy_set_header Host $host;
                            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        }
                    }
                }
                """, to: "nginx.conf")
            return ["nginx", "-e", "stderr", "-c", file]
        }
    }

    private init(_ command: (UInt16, TemporaryFolder) throws -> [String]) throws {
        port = try FreePort.take()
        folder = try TemporaryFolder()
        process = try RunningProcess(try command(port, folder))
        try waitFor("\(process.name) to accept; it said:\n\(process.transcript)") { () -> Void? in
            if let exit = process.exit { throw FlowError("\(exit):\n\(process.transcript)") }
            return (try? RawSocket(port: port)).map { _ in () }
        }
    }
}
