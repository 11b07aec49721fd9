// Who is measured, and the configuration that its experts would give it for this load: one worker,
// keep-alive on both sides, `X-Forwarded-For`, no log.

internal import FoundationEssentials

/// One proxy under measure.
struct Contestant: Sendable {
    let name: String
    /// The command that runs it in the foreground.
    let command: [String]
    /// The command that prints its version; empty for the floor.
    let version: [String]
    /// Whether it must add `X-Forwarded-For`: everyone but the floor, which knows no HTTP.
    var addsForwardedFor = true

    /// The floor, HAProxy and nginx, and Fairlead; those that are not installed are left out, with a
    /// word about it.
    /// - Parameters:
    ///   - origin: the port of the web server behind all of them.
    ///   - port: where each listens in its turn; the next one up is Fairlead's admin port.
    ///   - folder: an existing folder for configuration files.
    static func all(origin: UInt16, port: UInt16, folder: String) throws -> [Contestant] {
        let fairlead = try builtProgram("fairlead")
        let haproxy = try write(haproxyConfiguration(origin, port), to: "\(folder)/haproxy.cfg")
        let nginx = try write(nginxConfiguration(origin, port, folder), to: "\(folder)/nginx.conf")
        return [
            Contestant(
                name: "floor",
                command: [
                    try builtProgram("fairlead-bench-servers"), "floor", "\(port)", "\(origin)",
                ], version: [],
                addsForwardedFor: false),
            Contestant(
                name: "fairlead",
                command: [
                    fairlead, "run", "--listen", "127.0.0.1:\(port)", "--backend",
                    "127.0.0.1:\(origin)", "--admin", "127.0.0.1:\(port + 1)", "--workers", "1",
                ], version: [fairlead, "--version"]),
            Contestant(
                name: "haproxy", command: ["/usr/sbin/haproxy", "-db", "-f", haproxy],
                version: ["/usr/sbin/haproxy", "-v"]),
            Contestant(
                name: "nginx", command: ["/usr/sbin/nginx", "-e", "stderr", "-c", nginx],
                version: ["/usr/sbin/nginx", "-v"]),
        ].filter { contestant in
            if FileManager.default.isExecutableFile(atPath: contestant.command[0]) { return true }
            print("\(contestant.name) is left out: there is no \(contestant.command[0])")
            return false
        }
    }
}

/// The path of a program of this package, which the build puts beside this one.
func builtProgram(_ name: String) throws -> String {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return String(own[..<(own.lastIndex(of: "/") ?? own.endIndex)]) + "/" + name
}

private func write(_ text: String, to path: String) throws -> String {
    try Data(text.utf8).write(to: URL(filePath: path))
    return path
}

private func haproxyConfiguration(_ origin: UInt16, _ port: UInt16) -> String {
    """
    global
        nbthread 1
        maxconn 1000
    defaults
        mode http
        timeout connect 5s
        timeout client 60s
        timeout server 60s
        http-reuse always
        option http-keep-alive
        option forwardfor
    listen web
        bind 127.0.0.1:\(port)
        server origin 127.0.0.1:\(origin)

    """
}

private func nginxConfiguration(_ origin: UInt16, _ port: UInt16, _ folder: String) -> String {
    """
    daemon off;
    worker_processes 1;
    pid \(folder)/nginx.pid;
    error_log stderr;
    events { worker_connections 4096; }
    http {
        access_log off;
        client_body_temp_path \(folder)/body;
        proxy_temp_path \(folder)/proxy;
        fastcgi_temp_path \(folder)/fastcgi;
        uwsgi_temp_path \(folder)/uwsgi;
        scgi_temp_path \(folder)/scgi;
        keepalive_requests 100000000;
        upstream origin {
            server 127.0.0.1:\(origin);
            keepalive 512;
            keepalive_requests 100000000;
        }
        server {
            listen 127.0.0.1:\(port);
            location / {
                proxy_pass http://origin;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            }
        }
    }

    """
}
