// nginx's configuration: SRV records once a second, least connections, passive checks (its free
// edition has no others) and retries of everything but POST.

internal import Glibc

extension Peer {
    static func nginx(_ program: String) -> Peer {
        Peer(name: "nginx", version: [program, "-v"], stopSignal: SIGQUIT) { setup in
            let folder = setup.folder
            let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map { "\($0)_temp_path \(folder)/\($0);" }.joined(separator: " ")
            let file = try setup.write(
                """
                daemon off;
                worker_processes \(setup.workers ?? 1);
                pid \(folder)/nginx.pid;
                error_log stderr error;
                events { worker_connections 16384; }
                http {
                    access_log off;
                    \(paths)
                    resolver 127.0.0.1:\(setup.dnsPort) valid=1s ipv6=off;
                    resolver_timeout 1s;
                    upstream web {
                        zone web 256k;
                        least_conn;
                        server \(setup.discovery.domain) service=web resolve max_fails=2 fail_timeout=5s;
                        keepalive 64;
                    }
                    server {
                        listen 127.0.0.1:\(setup.port)\(setup.sharesPort ? " reuseport" : "");
                        keepalive_requests 1000000;
                        location / {
                            proxy_pass http://web;
                            proxy_http_version 1.1;
                            proxy_set_header Connection "";
                            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                            proxy_connect_timeout 1s;
                            proxy_read_timeout 2s;
                            proxy_next_upstream error timeout invalid_header http_500 http_502 http_503 http_504;
                            proxy_next_upstream_tries 4;
                        }
                    }
                }

                """, as: "nginx.conf")
            return Command(words: [program, "-e", "stderr", "-p", folder, "-c", file])
        }
    }
}
