// A snapshot in which every kind of trouble occurs once, for the tests of all views.

import Admin
import Backends
import Endpoints
import Stats
import Traffic

enum Sample {
    /// 2026-11-22T22:10:00Z.
    static let now = 1_795_385_400.0

    static func endpoint(_ port: UInt16) -> Endpoint { Endpoint(.loopback, port) }

    static func backend(
        _ id: UInt32, _ state: BackendState.Phase, age: Double, _ cause: String,
        priority: UInt16 = 1, requests: Int = 0
    ) -> AdminSnapshot.Backend {
        var backend = AdminSnapshot.Backend(
            id: id, endpoint: endpoint(9000 + UInt16(id)), state: state, since: now - age,
            cause: cause, tier: Tier(priority: priority), weight: 1, isInRotation: state == .up)
        backend.isActive = state == .up && priority == 1
        backend.hostName = "web\(id).node.consul"
        backend.totals[.requests] = requests
        return backend
    }

    /// A certificate for `name` that ends in so many days.
    static func certificate(_ name: String, days: Double) -> ShownCertificates.Certificate {
        .init(
            place: "/etc/fairlead/\(name).pem", listeners: ["public"], subject: "/CN=\(name)",
            issuer: "/CN=inter", names: [name], key: "P-256",
            fingerprint: String(repeating: "a", count: 64), begins: now + (days - 90) * 86_400,
            ends: now + days * 86_400)
    }

    /// A service of three healthy backends and nothing else.
    static var healthy: AdminSnapshot {
        var snapshot = AdminSnapshot(
            takenAt: now, version: "0.1.0", startedAt: now - 3723.5, workers: 2)
        snapshot.process = ProcessFigures(
            openDescriptors: 41, descriptorsMax: 1_048_576, residentBytes: 11_010_048,
            cpuSeconds: 1.25)
        snapshot.certificateOrders = ["issued": 3, "not_proven": 1]
        snapshot.containers = ["running": 12, "exited": 1]
        snapshot.ticketKeys = .init(place: "/ticket-keys", count: 2, problem: nil)
        snapshot.rateShares = .init(place: "Consul service edge", count: 3, problem: nil)
        snapshot.certificates.inUse = [certificate("web.test", days: 60)]
        snapshot.certificates.revocations = [
            .init(place: "/etc/fairlead/crl.pem", listeners: ["public"], ends: now + 5 * 86_400)
        ]
        var service = AdminSnapshot.Service(
            name: "web", mode: .http, sources: [.init("SRV _web._tcp.service.consul")])
        service.backends = ([1, 2, 3] as [UInt32]).map { id in
            var backend = backend(
                id, .up, age: 3720.877, "2 checks passed in a row", requests: 411 + Int(id))
            backend.check = .init(passed: true, at: now - 1, result: "200 in 3 ms")
            return backend
        }
        service.verifiesBackends = true
        var deploys = DeployTally()
        deploys.done.add(12.5)
        deploys.done.add(30)
        deploys.isUnderWay = true
        service.deploys = deploys
        service.totals[.requests] = 1239
        service.totals[.inFlight] = 12
        service.totals[.responses2xx] = 1227
        service.totals[.bytesToClients] = 5_000_000_000
        service.totals.duration.counts[3] = 1000
        service.totals.duration.counts[6] = 227
        service.totals.duration.sumMicroseconds = 2_400_500
        service.totals.calls[0] = 900
        service.totals.calls[4] = 38
        service.totals.calls[CallTotals.others] = 2
        service.totals.calls.late = 30
        service.totals.exemplars.keep(
            Exemplar(
                high: 0x0af7_6519_16cd_43dd, low: 0x8448_eb21_1c80_319c,
                span: 0x00f0_67aa_0ba9_02b7, microseconds: 640, time: 1_795_385_399_007_900_000))
        service.sources[0].lastGoodAt = now - 1.5
        service.sources[0].lastGoodCount = 3
        service.sources[0].answers = ["good": 3721]
        var nameserver = AdminSnapshot.Registry(
            kind: "nameserver", address: "127.0.0.1:8600", isWell: true,
            sentence: "answers within 0.4 ms")
        nameserver.answers = ["good": 3721, "timeout": 1]
        nameserver.malformed = 1
        nameserver.lastMalformed = "a name that points to itself"
        nameserver.lastMalformedAt = now - 60
        snapshot.registries = [nameserver]
        var following = AdminSnapshot.Following([
            .init(
                summary: "Consul K/V fairlead/", lastGoodAt: now - 600, failure: nil, problems: [])
        ])
        following.applied = 3
        snapshot.following = following
        snapshot.reloads = AdminSnapshot.Reloads()
        snapshot.services = [service]
        snapshot.accessLogLines = ["written": 12, "dropped": 0, "lost": 0]
        snapshot.traceSpans = ["sent": 9, "rejected": 1, "failed": 0, "dropped": 2]
        snapshot.dnsMessages = ["sent_udp": 3723, "received": 3722, "malformed": 1]
        snapshot.checks = ["passed": 1240, "failed": 3]
        snapshot.shortages = [
            .init(
                kind: "ports", count: 4, since: nil, what: "this machine has no local ports left",
                advice: "widen the range")
        ]
        var listener = AdminSnapshot.Listener(
            name: "public", endpoint: Endpoint(.any, 8080), mode: .http, services: ["web"])
        listener.totals[.accepted] = 57
        listener.totals[.open] = 9
        snapshot.listeners = [listener]
        return snapshot
    }

    /// A snapshot with a backend down, one ejected, a standby tier, failing discovery, and a TCP
    /// service without backends.
    static var troubled: AdminSnapshot {
        var snapshot = healthy
        snapshot.unserved = [
            .init(
                name: "plain", metadata: ["image": "app:1"], reason: "it has no label",
                hasEnded: false)
        ]
        snapshot.unservedCount = 2
        var web = snapshot.services[0]
        web.backends[1] = backend(
            2, .down, age: 134, "3 checks failed in a row, the last: connection refused",
            requests: 413)
        web.backends[1].check = .init(passed: false, at: now - 1, result: "connection refused")
        web.backends[1].totals[.dialFailures] = 3
        web.backends[2] = backend(
            3, .ejected, age: 4, "a request could not connect: timed out", requests: 414)
        web.backends += [
            backend(4, .up, age: 9000, "2 checks passed in a row", priority: 2),
            backend(5, .draining, age: 11, "missing from a good answer", priority: 2, requests: 17),
        ]
        web.backends[4].isNamed = false
        var facts = WithoutTurn.Facts()
        facts.wait = .init(since: now - 9000, receivedAt: now - 9000, elsewhere: 1200)
        facts.limit = (10, 20)
        web.backends[3].withoutTurn = WithoutTurn(web.backends[3], facts, at: now)
        web.backends[0].metadata = [
            "container": "shop_web_1", "id": "4f1cdeadbeef", "image": "nginx:1.27",
            "project": "shop", "health": "unhealthy", "restarts": "3", "zone": "a",
        ]
        web.sources[0].idle = [
            .init(
                name: "shop_web_2", metadata: ["image": "nginx:1.27", "id": "5f1cdeadbeef"],
                reason: "it is paused", hasEnded: false),
            .init(
                name: "shop_web_3", metadata: ["image": "nginx:1.27", "id": "6f1cdeadbeef"],
                reason: "it ran out of memory: Exited (137)", hasEnded: true),
        ]
        web.totals[.backendErrors] = 1
        web.sources[0].lastFailureAt = now - 0.5
        web.sources[0].lastFailure = "the server failed (SERVFAIL)"
        web.sources[0].answers["servfail"] = 34
        web.sources[0].lastGoodAt = now - 34

        let orders = AdminSnapshot.Service(
            name: "orders", mode: .tcp, sources: [.init("SRV _orders._tcp.x")])
        snapshot.services = [web, orders]
        snapshot.listeners.append(
            .init(name: "orders", endpoint: endpoint(8081), mode: .tcp, services: ["orders"]))
        snapshot.journal = [
            .init(
                at: now - 4, service: "web", backend: "127.0.0.1:9003",
                text: "up to ejected: a request could not connect: timed out"),
            .init(
                at: now - 34, service: "web", backend: "",
                text: "discovery fails: the server failed (SERVFAIL); backends are held for 1 h"),
            .init(
                at: now - 134, service: "web", backend: "127.0.0.1:9002",
                text: "up to down: 3 checks failed in a row, the last: connection refused"),
        ]
        return snapshot
    }

    /// A snapshot with names that contain markup, a label or a second line.
    static var hostile: AdminSnapshot {
        var snapshot = troubled
        let name = "<script>alert(1)</script>\"'&\\\n# x"
        snapshot.services[0].name = name
        snapshot.services[0].sources[0].summary = name
        snapshot.services[0].sources[0].lastFailure = name
        snapshot.registries[0].lastMalformed = name
        snapshot.registries[0].address = name
        snapshot.services[0].backends[0].hostName = name
        snapshot.services[0].backends[0].cause = name
        snapshot.services[0].backends[0].check?.result = name
        snapshot.listeners[0].name = name
        snapshot.listeners[0].services = [name]
        snapshot.journal[0].text = name
        snapshot.journal[0].service = name
        snapshot.journal[0].backend = name
        return snapshot
    }
}
