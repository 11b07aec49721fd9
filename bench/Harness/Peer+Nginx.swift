// nginx's configuration for a setup.

extension Peer {
    /// nginx from wherever `program` is. Buffers hold a small answer and stream a large one: the
    /// defaults would write large bodies to files.
    static func nginx(_ name: String, program: String) -> Peer {
        Peer(name: name, version: [program, "-v"]) { setup in
            let file = try write(
                setup.mode == .http ? nginxHTTP(setup) : nginxTCP(setup), as: "nginx.conf",
                of: setup)
            return [program, "-e", "stderr", "-c", file]
        }
    }
}

private func nginxMain(_ setup: Setup) -> String {
    """
    \(setup.mode == .tcp ? "load_module /usr/lib/nginx/modules/ngx_stream_module.so;" : "")
    daemon off;
    worker_processes 1;
    worker_rlimit_nofile 20000;
    pid \(setup.folder)/nginx.pid;
    error_log stderr crit;
    events { worker_connections \(max(16_384, setup.connections)); }

    """
}

private func nginxTCP(_ setup: Setup) -> String {
    nginxMain(setup) + """
        stream {
            upstream web { \(setup.endpoints.map { "server \($0);" }.joined(separator: " ")) }
            server { listen 127.0.0.1:\(setup.port); proxy_pass web; }
        }

        """
}

private func nginxListen(_ setup: Setup) -> String {
    let second = setup.speaksHTTP2 ? " http2" : ""
    guard let certificate = setup.certificate else {
        return "listen 127.0.0.1:\(setup.port)\(second);"
    }
    return """
        listen 127.0.0.1:\(setup.port) ssl\(second);
        ssl_certificate \(certificate.chain);
        ssl_certificate_key \(certificate.key);
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
        ssl_ecdh_curve X25519;
        """
}

/// What it speaks HTTP/2 to an origin by.
private let callPassing =
    "grpc_pass grpc://web; grpc_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"

private func nginxHTTP(_ setup: Setup) -> String {
    let proxying = """
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_buffer_size 64k;
        proxy_buffers 16 64k;
        proxy_busy_buffers_size 128k;
        proxy_max_temp_file_size 0;
        proxy_request_buffering off;
        """
    func upstream(_ name: String, _ endpoints: [String], keeps: Int) -> String {
        """
        upstream \(name) {
            \(endpoints.map { "server \($0);" }.joined(separator: " "))
            keepalive \(keeps);
            keepalive_requests 100000000;
        }

        """
    }
    var sites = ""
    if setup.services > 1 {
        for index in 0..<setup.services {
            let endpoint = "\(Setup.address(index)):\(setup.origin)"
            sites += upstream("s\(index)", [endpoint], keeps: 64)
            sites +=
                "server { listen 127.0.0.1:\(setup.port); server_name \(Setup.host(index)); "
                + "location / { proxy_pass http://s\(index); } }\n"
        }
    } else {
        sites += upstream("web", setup.endpoints, keeps: max(512, setup.backends + 64))
        let passing = setup.originSpeaksHTTP2 ? callPassing : "proxy_pass http://web;"
        sites += "server { \(nginxListen(setup)) location / { \(passing) } }\n"
    }
    let folder = setup.folder
    return nginxMain(setup) + """
        http {
            access_log \(setup.hasAccessLog ? "\(setup.logPath) combined" : "off");
            client_body_temp_path \(folder)/body;
            proxy_temp_path \(folder)/proxy;
            fastcgi_temp_path \(folder)/fastcgi;
            uwsgi_temp_path \(folder)/uwsgi;
            scgi_temp_path \(folder)/scgi;
            client_max_body_size 0;
            keepalive_requests 100000000;
            server_names_hash_max_size 65536;
            server_names_hash_bucket_size 64;
            \(proxying)
            \(sites)
        }

        """
}
