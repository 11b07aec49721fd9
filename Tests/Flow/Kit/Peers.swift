// The proxies that Fairlead is compared with, or works with, as their manuals set them up.

/// HAProxy, nginx or Varnish on 127.0.0.1: in front of one backend, or as one.
final class Peer: Sendable {
    let port: UInt16
    /// What it has written so far.
    var transcript: String { process.transcript }
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

    /// HAProxy that passes on connections to `proxy`, once it accepts. `options` are the server's,
    /// and say by which header `proxy` learns of its clients; `bind` is another line of its own.
    static func haproxy(
        tcpOver proxy: UInt16, _ options: String, _ bind: String = ""
    ) throws -> Peer {
        try Peer { port, folder in
            let file = try folder.write(
                """
                defaults
                    mode tcp
                    unique-id-format %ci-%ts
                    timeout connect 5s
                    timeout client 20s
                    timeout server 20s
                listen web
                    bind 127.0.0.1:\(port)
                    \(bind)
                    server one 127.0.0.1:\(proxy) \(options)

                """, to: "haproxy.cfg")
            return ["haproxy", "-db", "-f", file]
        }
    }

    /// HAProxy that answers each request with the address of its client, which is the one that a
    /// PROXY header names.
    static func haproxyBehindHeaders() throws -> Peer {
        try Peer { port, folder in
            let file = try folder.write(
                """
                defaults
                    mode http
                    timeout client 20s
                frontend web
                    bind 127.0.0.1:\(port) accept-proxy
                    http-request return status 200 content-type text/plain lf-string "%[src]"

                """, to: "haproxy.cfg")
            return ["haproxy", "-db", "-f", file]
        }
    }

    /// Varnish that answers each request with what the PROXY header of its connection says of the
    /// client and its TLS.
    static func varnishBehindHeaders() throws -> Peer {
        try Peer { port, folder in
            let file = try folder.write(
                """
                vcl 4.1;
                import proxy;
                backend none none;
                sub vcl_recv { return (synth(200)); }
                sub vcl_synth {
                    set resp.body = "client=" + client.ip + " authority=" + proxy.authority()
                        + " alpn=" + proxy.alpn() + " tls=" + proxy.is_ssl() + " version="
                        + proxy.ssl_version() + " cipher=" + proxy.ssl_cipher() + " shown="
                        + proxy.client_has_cert_conn() + " had=" + proxy.client_has_cert_sess()
                        + " verify=" + proxy.ssl_verify_result() + " cn="
                        + proxy.client_cert_cn() + " method=" + req.method;
                    return (deliver);
                }

                """, to: "web.vcl")
            return [
                // Without its jail, whose user could not read the file.
                "varnishd", "-j", "none", "-F", "-n", folder.path("work"), "-f", file,
                "-s", "malloc,8m", "-a", "127.0.0.1:\(port),PROXY",
            ]
        }
    }

    /// nginx, once it accepts.
    static func nginx(over backend: UInt16) throws -> Peer {
        try nginx(
            """
            proxy_pass http://127.0.0.1:\(backend);
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            """)
    }

    /// nginx that answers each request with `text`, which may name its variables. `options` are
    /// those of its `listen`.
    static func nginx(saying text: String, _ options: String = "") throws -> Peer {
        try nginx("return 200 \"\(text)\";", options)
    }

    private static func nginx(_ location: String, _ options: String = "") throws -> Peer {
        try Peer { port, folder in
            let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map { "    \($0)_temp_path \(folder.path($0));" }.joined(separator: "\n")
            let file = try folder.write(
                """
                daemon off;
                master_process off;
                pid \(folder.path("pid"));
                error_log stderr error;
                events { }
                http {
                    access_log off;
                \(paths)
                    server {
                        listen 127.0.0.1:\(port) \(options);
                        location / {
                            \(location)
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
