// ForeignWords: what people write who know another proxy: its names for what Fairlead calls
// otherwise, and keys for what Fairlead does not do, which deserve a sentence and not a list of
// other keys.

internal import Balancing
internal import Documents

/// Words of other programs. Pure, any thread.
enum ForeignWords {
    // MARK: Keys

    /// What to do instead of writing `key`, as a clause, where `known` are the keys of that place;
    /// nil for a word that says nothing.
    static func advice(onKey key: String, known: [String]) -> String? {
        let word = plain(key)
        if let ours = synonyms[word], known.contains(ours) { return "expected \(ours)" }
        return missing.first { $0.words.contains(word) }?.advice
    }

    private static let synonyms = [
        "lbpolicy": "balance", "loadbalancing": "balance", "loadbalancer": "balance",
        "algorithm": "balance", "policy": "balance", "strategy": "balance",
        "upstreams": "services", "upstream": "services", "clusters": "services",
        "pools": "services", "frontends": "listeners", "frontend": "listeners",
        "entrypoints": "listeners", "servers": "backends", "endpoints": "backends",
        "targets": "backends", "bind": "listen", "healthcheck": "check", "httpcheck": "check",
        "healthchecks": "checks", "outlierdetection": "eject", "prefix": "path-prefix",
        "pathprefix": "path-prefix", "resolvers": "dns", "nameservers": "servers",
        "tracing": "traces", "trace": "traces", "opentelemetry": "traces", "otel": "traces",
        "otlp": "traces",
    ]

    private struct Missing {
        let words: Set<String>
        let advice: String
    }

    private static let missing: [Missing] = [
        Missing(
            words: [
                "tls", "ssl", "https", "cert", "certs", "certificate", "certificates", "key",
                "keyfile", "certfile", "sni",
            ],
            advice:
                "a listener speaks TLS by tls: {certificates: [{cert: FILE, key: FILE}]}; TLS is "
                + "passed on as it is with mode: tcp"),
        Missing(
            words: ["alpn", "ciphers"],
            advice:
                "of TLS a listener has tls.certificates, tls.strict-sni and tls.min-version; "
                + "versions and ciphers are those that Mozilla recommends"),
        Missing(
            words: ["mtls", "clientca", "clientauth", "clientcert", "verifyclient"],
            advice:
                "clients show certificates by tls: {client-certificates: {mode: required, ca-file: "
                + "FILE}}"),
        Missing(
            words: ["stricttransportsecurity", "sslredirect", "forcessl", "httpsredirect"],
            advice: "a listener has hsts: 8760h, and redirect: https where it is without TLS"),
        Missing(
            words: ["acme", "letsencrypt", "autocert", "autotls", "certresolver"],
            advice:
                "Fairlead gets certificates for the hosts in tls.acme of a listener, with "
                + "acme.store and acme.terms-agreed"),
        Missing(
            words: ["h2", "h2c", "grpc"],
            advice:
                "clients may speak HTTP/2 on every listener of mode http; a service whose backends "
                + "speak it, as servers of gRPC do, has protocol: h2, and check: {type: grpc} asks "
                + "their health service"),
        Missing(
            words: ["http3", "h3", "quic"],
            advice: "Fairlead speaks HTTP/1.1 and HTTP/2; with mode: tcp it passes on whatever "
                + "else comes by TCP"),
        Missing(
            words: ["udp"], advice: "Fairlead proxies HTTP and TCP, and no UDP"),
        Missing(
            words: [
                "pathregex", "pathregexp", "regex", "regexp", "hostregex", "hostregexp",
                "location", "pathregularexpression", "rewriteregex",
            ],
            advice:
                "there are no regular expressions: use path, path-prefix, strip-prefix and host, "
                + "whose wildcard is *.example.com"),
        Missing(
            words: [
                "proxyprotocol", "acceptproxy", "sendproxy", "sendproxyv2", "sendproxyv2ssl",
                "sendproxyv2sslcn",
            ],
            advice:
                "write proxy-protocol: {from: [10.0.0.0/8]} at the listener whose clients' proxies "
                + "send a PROXY header, and send-proxy: v2 at the service whose backends want one"
        ),
        Missing(
            words: ["compression", "gzip", "gziptypes", "brotli", "zstd", "deflate", "encode"],
            advice:
                "a listener or route has compress: on, or compress: {use: [zstd, br, gzip], types: "
                + "[text/html]}"),
        Missing(
            words: [
                "clientmaxbodysize", "maxbodysize", "bodysize", "maxrequestbody",
                "maxrequestbodybytes", "maxresponsebody", "maxresponsebodybytes", "buffering",
            ],
            advice:
                "a listener or a route has limits: {request-body: 10MiB, response-body: 1GiB}"),
        Missing(
            words: ["cache", "caching", "proxycache"],
            advice: "Fairlead keeps no answers: put a cache in front of it or behind it"),
        Missing(
            words: ["ratelimit", "ratelimits", "limitreq", "rps", "throttle", "rates"],
            advice:
                "a listener or a route has rate: [100/s, {limit: 10/s, by: header NAME}]; "
                + "limits.requests and limits.backend-requests bound what is in flight"),
        Missing(
            words: [
                "errorpage", "errorfile", "errorfiles", "errorpath", "errordocument",
                "custompages", "customerrors", "interceptors", "proxyintercepterrors",
            ],
            advice:
                "a listener or a route has error-pages: {502: FILE, 5xx: FILE}, and "
                + "error-pages-of: all for those of backends as well"),
        Missing(
            words: ["maintenancemode", "maint", "maintenancepage", "offline"],
            advice:
                "a listener or a route has maintenance: on, or maintenance: FILE for as long as "
                + "that is there"),
        Missing(
            words: [
                "authrequest", "authorization", "authz", "extauth", "extauthz", "forwardauth",
            ],
            advice:
                "a listener or a route has auth: {service: NAME, path: /PATH, take: [FIELD, ...]}"),
        Missing(
            words: ["basicauth", "authbasic", "authbasicuserfile", "htpasswd", "userlist"],
            advice:
                "a listener or a route has auth: {users: FILE, realm: TEXT}, with a file that "
                + "htpasswd -B writes"),
        Missing(
            words: ["jwt", "oauth", "oauth2", "oidc"],
            advice:
                "Fairlead checks no tokens by itself: auth: {service: NAME} has a service say who "
                + "may come, such as oauth2-proxy or Authelia"),
        Missing(
            words: ["limitconn", "limitconnzone", "maxconnperip", "maxconnectionsperaddress"],
            advice:
                "a listener has limits: {connections: 10000, connections-per-address: 100}"),
        Missing(
            words: [
                "acl", "acls", "ipallow", "ipdeny", "allowlist", "denylist", "whitelist",
                "blacklist", "ipallowlist", "ipwhitelist",
            ],
            advice: "a listener or a route has allow: [NETWORK, ...] and deny: [NETWORK, ...]"),
        Missing(
            words: ["geoip", "waf"],
            advice:
                "Fairlead knows no countries and no attacks: allow and deny of a listener or a "
                + "route are lists of networks"),
        Missing(
            words: ["shadow", "mirroring", "mirrors", "requestmirror", "requestmirrorpolicies"],
            advice:
                "a route has mirror: {service: NAME, percent: 10%} for copies of its requests; "
                + "split shares them between services"),
        Missing(
            words: ["cors"],
            advice: "set the fields with response-headers of a route, or let the backends"),
        Missing(
            words: ["include", "includes", "import", "imports"],
            advice: "a configuration is one file; Consul's K/V store can add to it (consul.kv)"),
        Missing(
            words: [
                "kubernetes", "k8s", "etcd", "zookeeper", "eureka", "nomad", "swarm",
            ],
            advice: "instances come from srv, consul, docker, file or backends"),
        Missing(
            words: ["prometheus", "metrics", "telemetry"],
            advice: "metrics are at /metrics of the admin port, without an option"),
        Missing(
            words: ["zipkin", "jaeger", "b3", "datadog", "skywalking"],
            advice: "traces are told by traceparent (W3C Trace Context): see traces"),
    ]

    // MARK: Values

    /// What a policy of another proxy is called here, as a clause; nil for a word that is none.
    static func advice(onPolicy text: String) -> String? {
        let word = plain(text)
        return policies.first { $0.words.contains(word) }.map { "use \($0.advice)" }
    }

    private static let policies: [Missing] = [
        Missing(
            words: [
                "roundrobin", "rr", "wrr", "weightedroundrobin", "staticrr", "dynamicroundrobin",
                "smoothroundrobin",
            ], advice: "round-robin"),
        Missing(
            words: [
                "leastconn", "leastconns", "leastconnection", "leastconnections", "leastrequest",
                "leastrequests", "leastoutstandingrequests", "leastload", "lc", "wlc",
                "weightedleastconn", "weightedleastrequest", "leastbusy", "bybusyness",
            ], advice: "least-connections"),
        Missing(
            words: [
                "random", "randomtwo", "randomoftwo", "random2", "p2c", "poweroftwo",
                "poweroftwochoices", "twochoices", "randomchoose",
            ], advice: "random-of-two"),
        Missing(
            words: [
                "leasttime", "leastresponsetime", "leastlatency", "fastest", "ewma", "peakewma",
                "latency", "leasttimeheader",
            ], advice: "least-time"),
        Missing(
            words: [
                "iphash", "source", "sourcehash", "sourceip", "clientip", "clientiphash",
                "ringhash", "maglev", "hash", "consistent", "consistenthash", "consistenthashing",
                "ketama", "chash", "sh",
            ], advice: "consistent-hash, with hash: client"),
        Missing(
            words: ["uri", "urihash", "url", "urlhash", "pathhash"],
            advice: "consistent-hash, with hash: path"),
        Missing(
            words: ["hdr", "header", "headerhash"],
            advice: "consistent-hash, with hash: header NAME"),
        Missing(
            words: ["cookie", "cookiehash", "sticky", "stickysession"],
            advice: "consistent-hash with hash: cookie NAME, or sticky: {cookie: NAME}"),
        Missing(words: ["first", "firstfit", "failover", "sequential"], advice: "first-fit"),
    ]

    /// In small letters, without what separates words.
    private static func plain(_ text: String) -> String {
        String(text.lowercased().filter { !"-_ .".contains($0) })
    }
}

extension ValueKind where Value == Policy {
    /// A policy, with advice for those of other proxies.
    static var balance: Self {
        let word = Self.word
        return Self(word.summary, write: word.write) { (text) throws(Unexpected) in
            do throws(Unexpected) {
                return try word.parse([text])
            } catch {
                var error = error
                error.sentence = ForeignWords.advice(onPolicy: text).map {
                    "found \(quoted(text)): \($0)"
                }
                throw error
            }
        }.shaped(word.shape)
    }
}
