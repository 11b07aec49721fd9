// The rules for copies of requests: what an option can't say beside the others.

extension Loading {
    /// Checks what one route has copied, which has these keys; adds to errors.
    mutating func checkMirror(
        _ route: RouteSettings, _ keys: Set<String>, hasAction: Bool, at origin: Origin
    ) {
        if route.mirror.service == nil, let key = keys.filter({ $0.hasPrefix("mirror.") }).min() {
            errors.add(
                "found \(key) without mirror.service, expected the service that gets the copies "
                    + "beside it", at: origin)
        } else if route.mirror.service != nil, route.serviceNames.isEmpty, hasAction {
            errors.add(
                "found mirror on a route whose requests go to no backend, expected service or "
                    + "split beside it", at: origin)
        }
    }
}
