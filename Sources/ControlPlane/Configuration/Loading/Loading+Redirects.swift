// Redirects to HTTPS, and of whole listeners: their status, and what they may not stand beside.

internal import Documents
internal import Endpoints
internal import Traffic

extension Loading {
    /// Completes the redirects of all listeners, and checks them; adds to errors.
    mutating func checkRedirects() {
        for index in listeners.indices {
            let listener = listeners[index]
            for (route, origin) in zip(listener.value.routes, listener.routeOrigins) {
                checkIsElsewhere(route.redirect, than: listener.value, at: origin)
            }
            guard listener.value.redirect.to != nil else { continue }
            let origin = listener.given["redirect.to"] ?? listener.origin
            if listener.value.redirect.httpsPort != nil, listener.given["redirect.status"] == nil {
                listeners[index].value.redirect.status = 308
            }
            checkIsElsewhere(listener.value.redirect, than: listener.value, at: origin)
            if listener.value.mode == .tcp {
                errors.add(
                    "found redirect on a listener of mode tcp, expected mode http", at: origin)
            }
            if listener.hasSource || listener.keys.contains("service") {
                errors.add(
                    "found redirect beside a service, expected one of them, or a route for what "
                        + "goes to the service", at: origin)
            }
            if listener.routeMatches.contains(RouteMatch(RouteSettings())) {
                errors.add(
                    "found redirect beside a route for every request, expected one of them",
                    at: origin)
            }
        }
    }

    /// Refuses a redirect to HTTPS that leads to where it is from.
    private mutating func checkIsElsewhere(
        _ redirect: RouteSettings.Redirect, than listener: Listener, at origin: Origin
    ) {
        guard listener.tls.isOn, listener.listen.port == redirect.httpsPort else { return }
        errors.add(
            "found a redirect to https on the listener that speaks it, which would never end, "
                + "expected it on the listener without TLS", at: origin)
    }

    /// Checks what browsers are told of using HTTPS alone; adds to warnings.
    mutating func adviseOnStrictTransport() {
        for listener in listeners {
            let policy = listener.value.policy.strictTransport
            let origin = listener.given["hsts.max-age"] ?? given["defaults.hsts.max-age"]
            if !listener.value.tls.isOn, let origin = listener.given["hsts.max-age"] {
                warnings.add("no effect, as the listener does not speak TLS", at: origin)
            }
            let lists =
                [(policy, origin)]
                + zip(listener.value.routes, listener.routeOrigins)
                .map { ($0.strictTransport, Optional($1)) }
            for (policy, origin) in lists where policy.preloads {
                if policy.includesSubdomains, policy.maxAge ?? .zero >= .seconds(365 * 86400) {
                    continue
                }
                warnings.add(
                    "found preload without include-subdomains or with less than 8760h, which "
                        + "browsers' list does not take", at: origin ?? listener.origin)
            }
        }
    }
}
