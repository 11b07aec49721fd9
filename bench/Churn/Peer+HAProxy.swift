// HAProxy's configuration: least connections, retries of everything but POST at layer 7, checks
// every second, errors of live traffic as evidence, and long holds for when the nameserver fails.

internal import Glibc

extension Peer {
    static func haproxy(_ program: String) -> Peer {
        Peer(name: "haproxy", version: [program, "-v"], stopSignal: SIGUSR1) { setup in
            let file = try setup.write(
                """
                global
                    maxconn 4000
                    \(setup.workers.map { "nbthread \($0)" } ?? "")
                resolvers registry
                    nameserver one 127.0.0.1:\(setup.dnsPort)
                    accepted_payload_size 8192
                    timeout resolve 1s
                    timeout retry 500ms
                    hold nx 60s
                    hold timeout 1h
                    hold refused 1h
                    hold other 1h
                    hold obsolete 0s
                defaults
                    mode http
                    timeout connect 1s
                    timeout client 60s
                    timeout server 2s
                    timeout queue 2s
                    timeout check 1s
                    retries 3
                    option redispatch 1
                    retry-on conn-failure empty-response response-timeout 500 502 503 504
                    option http-keep-alive
                    option forwardfor
                frontend in
                    bind 127.0.0.1:\(setup.port)
                    default_backend web
                backend web
                    balance leastconn
                    http-request disable-l7-retry if METH_POST
                    option httpchk GET /health
                    default-server check inter 1s fastinter 500ms fall 2 rise 2 observe layer7 error-limit 3 on-error mark-down init-addr none resolve-prefer ipv4
                    server-template web \(Setup.instancesMax) \(setup.discovery.service) resolvers registry

                """, as: "haproxy.cfg")
            return Command(words: [program, "-db", "-f", file])
        }
    }
}
