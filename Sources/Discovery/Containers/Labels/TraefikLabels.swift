// TraefikLabels: the labels of Traefik 2 and 3 that can be done: routers of HTTP with simple rules,
// the port of their service, the network. What else a router asks for decides:
//
// | label of a router            | what becomes of it                                               |
// |------------------------------|------------------------------------------------------------------|
// | rule                         | its routes; one that is not simple refuses the router            |
// | service                      | that service's port                                              |
// | middlewares                  | refuses the router: without them it might open what they protect |
// | entrypoints, tls, priority … | told, and the router counts                                      |
// | of tcp and udp               | told                                                             |

enum TraefikLabels {
    private static let prefix = "traefik."
    private static let routers = "traefik.http.routers."
    private static let services = "traefik.http.services."

    private struct Router {
        var rule: String?
        var service: String?
        var middlewares: String?
        var others: [String] = []

        mutating func apply(_ key: String, _ label: String, _ value: String) {
            switch key {
            case "rule": rule = value
            case "service": service = value
            case "middlewares": middlewares = value.isEmpty ? nil : value
            default: others.append(label)
            }
        }
    }

    /// Reads labels of Traefik; whether there are any.
    static func read(_ labels: [String: String], into wishes: inout ContainerWishes) -> Bool {
        let own = labels.filter { $0.key.lowercased().hasPrefix(prefix) }
            .sorted { $0.key < $1.key }
        guard !own.isEmpty else { return false }
        var found: [String: Router] = [:]
        var ports: [String: UInt16] = [:]
        for (label, text) in own {
            let key = label.lowercased()
            let value = text.trimmed
            if key.hasPrefix(routers), let (name, rest) = split(label, behind: routers) {
                found[name, default: Router()].apply(rest, label, value)
            } else if key.hasPrefix(services), let (name, rest) = split(label, behind: services) {
                readService(rest, label, value, &ports[name], &wishes)
            } else {
                readOther(key, label, value, &wishes)
            }
        }
        var offers: [ContainerOffer] = []
        for (name, router) in found.sorted(by: { $0.key < $1.key }) {
            if let offer = offer(name, router, ports, &wishes) { offers.append(offer) }
        }
        if offers.isEmpty {
            var offer = ContainerOffer()
            if ports.count == 1 { offer.port = ports.first?.value }
            offers = [offer]
        } else if offers.count == 1 {
            offers[0].name = ""
        }
        wishes.offers = offers
        return true
    }

    /// `NAME.KEY` behind a prefix; names have no dots.
    private static func split(_ label: String, behind prefix: String) -> (String, String)? {
        let rest = label.dropFirst(prefix.count)
        guard let dot = rest.firstIndex(of: "."), dot != rest.startIndex else { return nil }
        return (String(rest[..<dot]), rest[rest.index(after: dot)...].lowercased())
    }

    private static func readService(
        _ key: String, _ label: String, _ value: String, _ port: inout UInt16?,
        _ wishes: inout ContainerWishes
    ) {
        switch key {
        case "loadbalancer.server.port":
            guard let number = UInt16(value), number > 0 else {
                return wishes.add(
                    problem: "label \(label): found \(value.shown), expected a port")
            }
            port = number
        case "loadbalancer.server.scheme" where value == "http",
            "loadbalancer.passhostheader" where value == "true":
            break
        default: wishes.add(problem: "label \(label): it is not supported, and left out")
        }
    }

    private static func readOther(
        _ key: String, _ label: String, _ value: String, _ wishes: inout ContainerWishes
    ) {
        switch key {
        case "traefik.enable":
            wishes.isEnabled = value.asOnOff
            if value.asOnOff == nil {
                wishes.add(
                    problem: "label \(label): found \(value.shown), expected true or false")
            }
        case "traefik.docker.network": wishes.network = value.isEmpty ? nil : value
        // What a middleware is matters only to a router that names it, and that is refused.
        case _ where key.hasPrefix("traefik.http.middlewares."): break
        default: wishes.add(problem: "label \(label): it is not supported, and left out")
        }
    }

    private static func offer(
        _ name: String, _ router: Router, _ ports: [String: UInt16],
        _ wishes: inout ContainerWishes
    ) -> ContainerOffer? {
        guard let rule = router.rule else {
            wishes.add(problem: "router \(name) of Traefik: it has no rule, so it has no route")
            return nil
        }
        if let middlewares = router.middlewares {
            wishes.add(
                problem: "router \(name) of Traefik: it asks for the middlewares "
                    + "\(middlewares.shown), which are not supported, so it has no route")
            return nil
        }
        var offer = ContainerOffer()
        do throws(TraefikRule.Failure) {
            offer.routes = try TraefikRule.routes(rule)
        } catch {
            wishes.add(
                problem: "router \(name) of Traefik: its rule \(rule.shown) is refused: "
                    + error.reason)
            return nil
        }
        for label in router.others {
            wishes.add(problem: "label \(label): it has no effect")
        }
        offer.name = name
        offer.port = router.service.flatMap { ports[$0] } ?? ports[name]
        if offer.port == nil, ports.count == 1 { offer.port = ports.first?.value }
        return offer
    }
}
