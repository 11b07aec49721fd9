// Where a key belongs that stands in the wrong place: somebody who writes `check:` at the top level
// has not misspelt `checks`.

extension OptionTable {
    /// Where `key` would be understood, as a phrase; nil when it is nowhere, or too common a word
    /// to tell. `besides` are the keys of the place where it stands.
    static func home(of key: String, besides known: [String]) -> String? {
        guard !known.contains(key) else { return nil }
        if topLevel.contains(key) || fileSections.contains(where: { $0.key == key })
            || key == "defaults"
        {
            return "at the top level"
        }
        if Loading.sourceKeys.contains(key) { return "in a service, or in a listener" }
        switch (serviceKeys.contains(key), listenerKeys.contains(key)) {
        case (true, true): return "in a service or a listener, or in defaults"
        case (true, false): return "in a service, or in defaults for all of them"
        case (false, true): return "in a listener, or in defaults for all of them"
        case (false, false): break
        }
        if key == "routes" || key == "listen" || key == "mode" { return "in a listener" }
        return routeKeys.contains(key) ? "in a route of a listener" : nil
    }

    private static let topLevel = firstWords(process)
    private static let serviceKeys = firstWords(service)
    private static let listenerKeys = firstWords(listener)
    /// Without those that are as likely to be something else.
    private static let routeKeys = firstWords(route).union(routeSections.map(\.key)).subtracting([
        "service", "path", "host", "headers",
    ])

    private static func firstWords<Root>(_ options: [Option<Root>]) -> Set<String> {
        Set(options.map { String($0.key.prefix { $0 != "." }) })
    }
}
