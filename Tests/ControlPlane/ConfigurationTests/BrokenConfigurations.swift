// Configurations that are broken, as operators break them, each with all that Fairlead says about
// it: what somebody reads at night. A line is the file's text, with ↵ for a line end and ⇥ for a
// tab; below it, further in, stand the messages, less the file's name. A text that says nothing of
// services has one called `web`, and one that says nothing of listeners has one for that.

let brokenConfigurations = #"""
    workers: 0
        1:10: workers: found "0", expected 1 to 256 or auto
    workers: [1]
        1:10: workers: found a list, expected 1 to 256, or auto
    admin: 0.0.0.0:9090
        1:8: admin: found 0.0.0.0:9090 without a token, expected a loopback address, such as 127.0.0.1:9090, or admin.token, admin.token-file or admin.tls.client-certificates as well
    admin: 9090
        1:8: admin: found "9090", expected an address with a port, such as 127.0.0.1:9090 or 0.0.0.0:9090, or off
    admin: web.example:9090
        1:8: admin: found "web.example:9090": no name is looked up here, expected an address of this machine
    admin: {listen: 9090, token: short}
        1:17: admin.listen: found "9090", expected an address with a port, such as 127.0.0.1:9090 or 0.0.0.0:9090, or off
        1:30: admin.token: found something else, expected a token of 16 visible ASCII characters at least
    statsd: {to: "collector:x"}
        1:14: statsd.to: found "collector:x", expected an address or a host, such as 127.0.0.1:8125, or off
    traces: {to: stdout}
        1:14: traces.to: found "stdout", expected off, log, or the URL of a collector, such as http://127.0.0.1:4318/v1/traces
    traces: {to: log, sample: 0.00001%}
        1:27: traces.sample: found "0.00001%", expected a percentage with up to four decimals, such as 0.1%
    traces: {to: log, sample: 100.1%, parents: everybody}
        1:27: traces.sample: found "100.1%", expected 0% to 100%
        1:44: traces.parents: found "everybody", expected trusted, all or none
    statsd: {to: 127.0.0.1, tags: yes}
        1:31: statsd.tags: found "yes", expected dogstatsd or names
    user: "a b"
        1:7: user: found "a b", expected a user's name or number
    state-file: ""
        1:13: state-file: found "", expected the path of a file
    pin-workers: yes
        1:14: pin-workers: found "yes", expected on or off
    stop-delay: 5
        1:13: stop-delay: found "5", expected a duration with a unit, such as 500ms or 2s
    stop-timeout: 30
        1:15: stop-timeout: found "30", expected a duration with a unit, such as 500ms or 2s
    stop-timeout: 2d
        1:15: stop-timeout: found "2d", expected a duration with a unit, such as 500ms or 2s
    stop-timeout: 2h
        1:15: stop-timeout: found "2h", expected 0s to 1h
    log-level: warn
        1:12: log-level: found "warn", expected error, warning, info or debug
    log: {level: warn}
        1:14: log.level: found "warn", expected error, warning, info or debug
    log: {format: xml}
        1:15: log.format: found "xml", expected text or json
    log: info
        1:6: log: found "info", expected a mapping with keys of: level, format
    loglevel: info
        1:1: loglevel: unknown key, expected one of: workers, pin-workers, user, state-file, stop-timeout, stop-delay, share-addresses, log, reload, admin, health, statsd, ticket-keys, access-log, traces, dns, checks, consul, docker, acme, registrar, defaults, services, listeners
    reload: on
        1:9: reload: found "on", expected a mapping with keys of: watch
    reload: {watch: yes}
        1:17: reload.watch: found "yes", expected on or off
    check: {path: /health}
        1:1: check: unknown key here, expected it in a service, or in defaults for all of them
    timeouts: {connect: 1s}
        1:1: timeouts: unknown key here, expected it in a service or a listener, or in defaults
    srv: _web._tcp.example
        1:1: srv: unknown key here, expected it in a service, or in a listener
    upgrade: on
        1:1: upgrade: unknown key here, expected it in a listener, or in defaults for all of them
    access-log: {to: logs}
        1:18: access-log.to: found "logs", expected off, stdout, or a path with a slash in it
    dns: 127.0.0.1
        1:6: dns: found "127.0.0.1", expected a mapping with keys of: servers, timeout, attempts, transport, edns, mix-case, rate, resolv-conf
    dns: {servers: ns example}
        1:16: dns.servers: found "ns example", expected a nameserver's address, such as 127.0.0.1:8600 or 10.0.0.2
    dns: {servers: [10.0.0.1, 10.0.0.2:99999]}
        1:27: dns.servers[1]: found "10.0.0.2:99999", expected a nameserver's address, such as 127.0.0.1:8600 or 10.0.0.2
    dns: {server: 10.0.0.1}
        1:7: dns.server: unknown key, expected servers?
    dns: {timeout: 5m}
        1:16: dns.timeout: found "5m", expected 10ms to 1m or auto
    consul: {agents: [https://consul:8501/v1]}
        1:19: consul.agents[0]: found "https://consul:8501/v1", expected HOST:PORT such as 127.0.0.1:8500 or consul:8500, https://HOST:PORT, or unix:/PATH
    consul: {tls: {verify: maybe}}
        1:24: consul.tls.verify: found "maybe", expected on or off
    consul: {tls: {cafile: /ca.pem}}
        1:16: consul.tls.cafile: unknown key, expected ca-file?
    consul: {tls: {name: "a b"}}
        1:22: consul.tls.name: found "a b", expected a host name or an address, such as api.example.com, or auto
    docker: {tls: {min-version: 1.1}}
        1:29: docker.tls.min-version: found "1.1", expected 1.2 or 1.3
    consul: {token: "two words"}
        1:17: consul.token: found something else, expected a token of visible ASCII characters
    consul: {kv: fairlead}
        1:14: consul.kv: found "fairlead", expected a prefix that ends in a slash, such as fairlead/, or off
    consul: {token: a, token-file: /b}
        1:32: consul.token-file: found both consul.token and consul.token-file, expected one
    defaults: {checks: {rate: 5}}
        1:12: defaults.checks: unknown key here, expected it at the top level
    defaults: {check: {interval: 2}}
        1:30: defaults.check.interval: found "2", expected a duration with a unit, such as 500ms or 2s
    defaults: {check: {path: health}}
        1:26: defaults.check.path: found "health", expected a path that starts with /, such as /health
    defaults: {check: {type: https}}
        1:26: defaults.check.type: found "https", expected tcp, http, grpc or off
    defaults: {balance: leastconn}
        1:21: defaults.balance: found "leastconn": use least-connections
    defaults: {limits: {head-bytes: 16384}}
        1:33: defaults.limits.head-bytes: found "16384", expected a size with a unit, such as 64KiB or 1MiB
    defaults: {retry: {budget: 20}}
        1:28: defaults.retry.budget: found "20", expected a percentage, such as 20%
    defaults: {retry: {on: [5xx]}}
        1:25: defaults.retry.on[0]: found "5xx", expected connect, reset, silence, timeout, grpc-unavailable or a status from 400 to 599
    defaults: {forwarding: {trusted-proxies: [10.1.2.3/8]}}
        1:43: defaults.forwarding.trusted-proxies[0]: found "10.1.2.3/8", expected a network's first address: 10.0.0.0/8, or 10.1.2.3
    defaults: {forwarding: {trusted-proxies: [proxy.internal]}}
        1:43: defaults.forwarding.trusted-proxies[0]: found "proxy.internal", expected a network, such as 10.0.0.0/8, or an address
    services: [web]
        1:11: services: found a list, expected a mapping of names to services
    services: {web: _web._tcp.example}
        1:17: services.web: found "_web._tcp.example", expected a mapping with keys of: srv, consul, docker, file, balance, hash, when-none-up, when-down, drain-limit, slow-start, failover-below, failover-return, zone, sticky, limits, when-empty, addresses, srv-port, fallback-port, refresh, hold, check, eject, retry, timeouts, backend-tls, protocol, send-proxy, backends
    services: {web: {}}
        1:12: services.web: found no source, expected srv, consul, docker, file or backends
    services: {web: {srv: web}}
        1:23: services.web.srv: found "web", expected a DNS name, such as _web._tcp.service.consul
    services: {web: {srv: _web._tcp.example, backends: ["h:1"]}}
        1:23: services.web.srv: found both srv and backends, expected one of them, or srv and consul
    services: {web: {server: _web._tcp.example}}
        1:12: services.web: found no source, expected srv, consul, docker, file or backends
        1:18: services.web.server: unknown key, expected one of: srv, consul, docker, file, balance, hash, when-none-up, when-down, drain-limit, slow-start, failover-below, failover-return, zone, sticky, limits, when-empty, addresses, srv-port, fallback-port, refresh, hold, check, eject, retry, timeouts, backend-tls, protocol, send-proxy, backends
    services: {web: {srv: a.b, chek: {path: /}}}
        1:28: services.web.chek: unknown key, expected check?
    services: {web: {srv: a.b, check: {pth: /}}}
        1:36: services.web.check.pth: unknown key, expected path?
    services: {web: {srv: a.b, check: {type: tcp, path: /}}}
        1:53: services.web.check.path: found a check of type tcp, expected type http beside path
    services: {web: {srv: a.b, check: {type: grpc, path: /}}}
        1:54: services.web.check.path: found a check of type grpc, expected type http beside path
    services: {web: {srv: a.b, check: {grpc: a b}}}
        1:42: services.web.check.grpc: found "a b", expected the name of a service of gRPC, such as shop.v1.Cart, or an empty one
    services: {web: {srv: a.b, check: {grpc: a, headers: {Grpc-Timeout: 1S}}}}
        1:54: services.web.check.headers: found the field Grpc-Timeout, expected another: a call of gRPC says that itself
    services: {web: {srv: a.b, check: {send: PING}}}
        1:42: services.web.check.send: found send without expect, expected both: nobody would look at the answer
    services: {web: {srv: a.b, check: {status: 2xx}}}
        1:44: services.web.check.status: found "2xx", expected a status or a range of them, such as 200 or 200-399
    services: {web: {srv: a.b, check: {method: HEAD, body: ok}}}
        1:56: services.web.check.body: found the method HEAD and a body to expect, expected another method: an answer to HEAD has no body
    services: {web: {srv: a.b, check: {interval: 1s, fast-interval: 2s}}}
        1:65: services.web.check.fast-interval: found a fast-interval of 2s and an interval of 1s, expected fast-interval <= interval: it is for backends that are to be looked at more closely
    services: {web: {srv: a.b, check: {headers: {Host: a}}}}
        1:46: services.web.check.headers[0]: found the field Host, expected another: that is the option host
    services: {web: {srv: a.b, balance: first-fit}}
        1:37: services.web.balance: found balance first-fit without a limit, expected limits.backend-requests beside it: without one the first backend would get everything
    services: {web: {srv: a.b, hash: client}}
        1:34: services.web.hash: found hash beside balance round-robin, expected balance consistent-hash
    services: {web: {srv: a.b, balance: consistent-hash, hash: header}}
        1:60: services.web.hash: found "header", expected client, path, header NAME or cookie NAME, such as `cookie session`
    services: {web: {srv: a.b, sticky: {secret: abcdefgh}}}
        1:45: services.web.sticky.secret: found sticky.secret without sticky.cookie, expected both
    services: {web: {srv: a.b, sticky: {cookie: a, secret: short}}}
        1:56: services.web.sticky.secret: found something else, expected 8 to 256 characters
    services: {web: {srv: a.b, refresh: {floor: 2m}}}
        1:45: services.web.refresh.floor: found a floor of 2m and a ceiling of 1m, expected floor <= ceiling
    services: {web: {srv: a.b, timeouts: {try: 2m}}}
        1:44: services.web.timeouts.try: found 2m for a try and 1m for a response's head, expected try < response-head
    services: {web: {srv: a.b, retry: {attempts: 0}}}
        1:46: services.web.retry.attempts: found "0", expected 1 to 8
    services: {web: {srv: a.b, limits: {backend-requests: 9, requests: 3}}}
        1:55: services.web.limits.backend-requests: found a limit of 9 requests on a backend and of 3 on the service, expected backend-requests <= requests
    services: {web: {consul: "web?datacenter=dc2"}}
        1:26: services.web.consul: found the parameter "datacenter", expected one of a service: dc, tag, passing, near, filter, node-meta, ns, partition, peer
    services: {web: {consul: [a, b], srv: c.d}}
        1:26: services.web.consul: found 2 services in Consul beside 1 names of DNS, expected as many: each name is for when the query at its place fails
    services: {web: {file: [a, b]}}
        1:24: services.web.file: found a list, expected path
    services: {"my web": {srv: a.b}}
        1:12: services."my web": found the name "my web", expected 1 to 63 letters, digits, dots, - or _
        2:40: listeners[0].service: found "web", expected one of: my web
    services: {web: {backends: [10.0.0.1]}}
        1:29: services.web.backends[0]: found "10.0.0.1", expected HOST:PORT, such as 10.0.0.1:8080 or db.internal:5432
    services: {web: {backends: "10.0.0.1:80"}}
        1:28: services.web.backends: found "10.0.0.1:80", expected a list of HOST:PORT, or of {address: HOST:PORT, weight: 1, priority: 0}
    services: {web: {backends: []}}
        1:28: services.web.backends: found an empty list, expected a list of HOST:PORT, or of {address: HOST:PORT, weight: 1, priority: 0}
    services: {web: {backends: [{host: 10.0.0.1}]}}
        1:29: services.web.backends[0]: found no address, expected address: HOST:PORT
    services: {web: {backends: [{address: "h:1", wieght: 2}]}}
        1:46: services.web.backends[0].wieght: unknown key, expected weight?
    services: {web: {backends: [{address: "h:1", weight: heavy}]}}
        1:54: services.web.backends[0].weight: found "heavy", expected 0 to 65535
    services: {web: {backends: ["h:1", "h:1"]}}
        1:36: services.web.backends[1]: found h:1 again, expected each backend once
    listeners: {listen: ":80", srv: a.b}
        1:12: listeners: found a mapping, expected a list of listeners
    listeners: [":80"]
        1:13: listeners[0]: found ":80", expected a mapping with keys of: name, listen, mode, service, redirect, srv, consul, docker, file, timeouts, limits, allow, deny, rate, auth, error-pages, error-pages-of, maintenance, tls, hsts, forwarding, proxy-protocol, compress, http2, upgrade, half-close, connect, backends, routes
    listeners: [{srv: a.b}]
        1:13: listeners[0]: found no address, expected listen: ADDRESS:PORT or :PORT
    listeners: [{listen: ":80"}]
        1:13: listeners[0]: found no service, expected service, srv, consul, docker, file, backends or routes
    listeners: [{listen: 80, srv: a.b}]
        1:22: listeners[0].listen: found "80", expected an address with a port, such as :8080 or 127.0.0.1:8080
    listeners: [{listen: "web.example:80", srv: a.b}]
        1:22: listeners[0].listen: found "web.example:80": no name is looked up here, expected an address of this machine
    listeners: [{listen: ":80", port: 80, srv: a.b}]
        1:29: listeners[0].port: unknown key, expected one of: name, listen, mode, service, redirect, srv, consul, docker, file, timeouts, limits, allow, deny, rate, auth, error-pages, error-pages-of, maintenance, tls, hsts, forwarding, proxy-protocol, compress, http2, upgrade, half-close, connect, backends, routes
    listeners: [{listen: ":80", mode: https, srv: a.b}]
        1:35: listeners[0].mode: found "https", expected http or tcp
    listeners: [{listen: ":80", servce: web}]
        1:13: listeners[0]: found no service, expected service, srv, consul, docker, file, backends or routes
        1:29: listeners[0].servce: unknown key, expected service?
    listeners: [{listen: ":80", srv: a.b}, {listen: "127.0.0.1:80", srv: c.d}]
        1:49: listeners[1].listen: found 127.0.0.1:80, which listener ":80" has as [::]:80, expected an address of its own
    listeners: [{listen: ":9090", srv: a.b}]
        1:22: listeners[0].listen: found [::]:9090, which the admin port has as 127.0.0.1:9090, expected an address of its own
    listeners: [{listen: ":80", srv: a.b}, {listen: ":81", srv: a.b}]
        1:40: listeners[1]: found a second service named "a.b", expected one: put it under services and name it in each listener
    listeners: [{listen: ":80", mode: tcp, routes: [{path: /, service: web}]}]
        1:49: listeners[0].routes[0]: found a route of HTTP on a listener of mode tcp, expected sni, alpn and service alone, or mode http
    listeners: [{listen: ":80", routes: [{sni: a.b, respond: {status: 200}}]}]
        1:38: listeners[0].routes[0]: found a route by sni or alpn on a listener of mode http, expected mode tcp, or host
    listeners: [{listen: ":80", mode: tcp, routes: [{alpn: "h 2", respond: {status: 200}}]}]
        1:49: listeners[0].routes[0]: found a route of HTTP on a listener of mode tcp, expected sni, alpn and service alone, or mode http
        1:56: listeners[0].routes[0].alpn: found "h 2", expected a protocol's name in TLS, such as h2 or http/1.1
    listeners: [{listen: ":80", routes: {path: /}}]
        1:37: listeners[0].routes: found a mapping, expected a list of routes
    listeners: [{listen: ":80", routes: [{path: /}]}]
        1:38: listeners[0].routes[0]: found nothing, expected one of service, split, redirect (with to) and respond (with status or health)
    listeners: [{listen: ":80", routes: [{pth: /, respond: {status: 200}}]}]
        1:39: listeners[0].routes[0].pth: unknown key, expected path?
    listeners: [{listen: ":80", routes: [{path: a, respond: {status: 200}}]}]
        1:45: listeners[0].routes[0].path: found "a", expected a path that starts with /, without query, such as /api
    listeners: [{listen: ":80", routes: [{path: /, path-prefix: /, respond: {status: 200}}]}]
        1:38: listeners[0].routes[0]: found path and path-prefix, expected one of them
    listeners: [{listen: ":80", routes: [{host: "a.b:80", respond: {status: 200}}]}]
        1:45: listeners[0].routes[0].host: found "a.b:80", expected a host without a port, such as a.example.com or *.example.com
    listeners: [{listen: ":80", routes: [{redirect: {to: /, status: 304}}]}]
        1:65: listeners[0].routes[0].redirect.status: found "304", expected 301, 302, 303, 307, 308
    listeners: [{listen: ":80", routes: [{respond: {body: hello}}]}]
        1:38: listeners[0].routes[0]: found no redirect.to, no respond.status and no respond.health, expected one of them
    listeners: [{listen: ":80", routes: [{respond: {status: 99}}]}]
        1:57: listeners[0].routes[0].respond.status: found "99", expected 200 to 599
    listeners: [{listen: ":80", routes: [{split: {a: 60%, b: 50%}}]}]
        1:46: listeners[0].routes[0].split: found shares of 110% together, expected 100%
    listeners: [{listen: ":80", routes: [{methods: [CONNECT], respond: {status: 200}}]}]
        1:38: listeners[0].routes[0]: found the method CONNECT, expected connect: on beside the listener's routes
    listeners: [{listen: ":80", routes: [{respond: {status: 200}}, {respond: {status: 201}}]}]
        1:64: listeners[0].routes[1]: found a second route for the same requests, expected one: this one would never be used
    listeners: [{listen: ":80", routes: [{respond: {status: 200}, request-headers: {set: {Connection: x}}}]}]
        1:80: listeners[0].routes[0].request-headers: found "Connection", expected another field: it says where a message ends, or belongs to one connection
    listeners: [{listen: ":80", routes: [{respond: {status: 200}, response-headers: {sets: {X: y}}}]}]
        1:82: listeners[0].routes[0].response-headers.sets: unknown key, expected set?
    listeners: [{listen: ":80", routes: [{headers: [X-A], respond: {status: 200}}]}]
        1:48: listeners[0].routes[0].headers: found a list, expected a mapping of field names to values
    listeners: [{listen: ":80", routes: [{strip-prefix: on, service: web}]}]
        1:38: listeners[0].routes[0]: found a change of the prefix, expected path-prefix and service or split beside it
    listeners: [{listen: ":80", srv: a.b, forwarding: {via: "a b"}}]
        1:57: listeners[0].forwarding.via: found "a b", expected a name of 1 to 63 letters, digits, dots, - or _, or off
    listeners: [{listen: ":80", srv: a.b, timeouts: {idle: 5s}}]
        1:50: listeners[0].timeouts.idle: unknown key, expected one of: handshake, client-head, client-idle, body-idle, tunnel-idle, tunnel-max, response-max, vanished, request
    a: &x 1
        1:4: found an anchor (&), expected a plain value
    a: !tag b
        1:4: found a tag (!), expected a plain value
    workers: 1↵workers: 2
        2:1: found the key "workers" again, expected it once (the first is on line 1)
    workers: 1↵ admin: off
        2:7: not YAML: mapping values are not allowed in this context: is it indented further than the line above, or does a value with a colon in it need quotes?
    listeners: [{listen: ":80", srv: a.b}
        2:1: not YAML: did not find expected ',' or ']' while parsing a flow sequence: is a bracket before this not closed, or a comma missing?
    listeners:↵⇥- listen: ":80"
        2:1: not YAML: found character that cannot start any token while scanning for the next token: is that a tab? Indent with spaces, and put a value that begins with @, ` or % in quotes
    "unterminated
        3:23: not YAML: did not find expected <document start>: is this, or a line above, indented as its neighbours are?
    defaults: {service: web}
        1:12: defaults.service: unknown key, expected one of: balance, hash, when-none-up, when-down, drain-limit, slow-start, failover-below, failover-return, zone, sticky, limits, when-empty, addresses, srv-port, fallback-port, refresh, hold, check, eject, retry, timeouts, backend-tls, protocol, send-proxy, allow, deny, rate, auth, error-pages, error-pages-of, maintenance, tls, hsts, forwarding, proxy-protocol, compress, http2, upgrade, half-close, connect
    defaults: {dns: {servers: [10.0.0.1]}}
        1:12: defaults.dns: unknown key here, expected it at the top level
    defaults: {strip-prefix: on}
        1:12: defaults.strip-prefix: unknown key here, expected it in a route of a listener
    listeners: [{listen: ":80", srv: a.b, balance: least-time}]
        1:39: listeners[0].balance: unknown key here, expected it in a service, or in defaults for all of them
    listeners: [{listen: ":80", srv: a.b, check: {path: /}}]
        1:39: listeners[0].check: unknown key here, expected it in a service, or in defaults for all of them
    listeners: [{listen: ":80", srv: a.b, workers: 2}]
        1:39: listeners[0].workers: unknown key here, expected it at the top level
    services: {web: {srv: a.b, routes: [{path: /}]}}
        1:28: services.web.routes: unknown key here, expected it in a listener
    services: {web: {srv: a.b, trusted-proxies: [10.0.0.1]}}
        1:28: services.web.trusted-proxies: unknown key, expected one of: srv, consul, docker, file, balance, hash, when-none-up, when-down, drain-limit, slow-start, failover-below, failover-return, zone, sticky, limits, when-empty, addresses, srv-port, fallback-port, refresh, hold, check, eject, retry, timeouts, backend-tls, protocol, send-proxy, backends
    services: {web: {srv: a.b, upgrade: off}}
        1:28: services.web.upgrade: unknown key here, expected it in a listener, or in defaults for all of them
    services: {web: {srv: a.b, retry: {retries: 2}}}
        1:36: services.web.retry.retries: unknown key, expected one of: attempts, on, budget, budget-floor, back-off, back-off-max, hedge, attempts-header
    consul: {tokn: a}
        1:10: consul.tokn: unknown key, expected token?
    consul: {register: {nam: edge}}
        1:21: consul.register.nam: unknown key, expected name?
    services: {web: {srv: [a.b, a.b]}}
        1:23: services.web.srv: found a name twice, expected each once
    services: {web: {srv: a.b, addresses: v4}}
        1:39: services.web.addresses: found "v4", expected ipv4-first, ipv6-first, ipv4, ipv6 or both
    services: {web: {srv: a.b, zone: {key: az}}}
        1:40: services.web.zone.key: found zone.key without zone.prefer, expected both
    listeners: [{listen: ":80", routes: [{split: {a: 100%}}]}]
        1:46: listeners[0].routes[0].split: found a mapping, expected two services or more with their shares, such as {web: 95%, canary: 5%}
    listeners: [{listen: ":80", routes: [{retry: {atempts: 2}, service: web}]}]
        1:47: listeners[0].routes[0].retry.atempts: unknown key, expected attempts?
    listeners: [{listen: ":80", routes: [{service: wbe}]}]
        1:38: listeners[0].routes[0]: found the service "wbe", expected web?
    listeners: [{name: "a b", listen: ":80", srv: a.b}]
        1:20: listeners[0].name: found "a b", expected a name of 1 to 63 letters, digits, dots, - or _
    """#
