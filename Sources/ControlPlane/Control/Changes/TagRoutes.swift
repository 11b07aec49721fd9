// TagRoutes: tags of services in Consul as services and routes of our own (fabio's convention).
// Pure.
//
// Whoever runs a service writes its tags, without knowing all the others. So a tag that does not
// fit is left out and reported, and never affects anything else.

internal import Configuration
internal import Consul
internal import ConsulQuery
internal import Documents

/// What the tags of all services ask for. Value type.
struct TagRoutes: Equatable {
    /// A service for each that has a tag, and a route for each tag; in the order of their names.
    private(set) var fragments: [ConfigurationFragment] = []
    /// What can't be done, a line each: `service web: tag "urlprefix-…": …`.
    private(set) var problems: [String] = []

    /// How many problems are kept.
    private static let problemsMax = 100

    /// Reads the tags of each service.
    init(_ services: [String: [String]]) {
        for (name, tags) in services.sorted(by: { $0.key < $1.key }) {
            var routes: [ConfigurationFragment] = []
            for tag in tags.sorted() {
                do throws(URLPrefixTagError) {
                    guard let asked = try URLPrefixTag(tag) else { continue }
                    routes.append(
                        ConfigurationFragment(
                            .routes,
                            NamedText(
                                name: "tag \(tag) of \(name)", text: try Self.route(asked, name)),
                            yields: true))
                } catch {
                    add("service \(name): tag \(quoted(tag)): \(error)")
                }
            }
            guard !routes.isEmpty else { continue }
            fragments.append(
                ConfigurationFragment(
                    .service(name),
                    NamedText(
                        name: "tags of \(name)",
                        text: "consul: \(PercentEncoding.encode(name).asYAML)"),
                    yields: true))
            fragments += routes
        }
    }

    private mutating func add(_ problem: String) {
        if problems.count < Self.problemsMax { problems.append(problem) }
    }

    /// The route that a tag asks for, as a route of the configuration is written.
    private static func route(
        _ tag: URLPrefixTag, _ service: String
    ) throws(URLPrefixTagError) -> String {
        var lines = ["path-prefix: \(tag.path.asYAML)"]
        if let host = tag.host { lines.append("host: \(host.asYAML)") }
        if let redirect = tag.redirect {
            lines.append("redirect: {to: \(redirect.target.asYAML), status: \(redirect.status)}")
        } else {
            lines.append("service: \(service.asYAML)")
        }
        if let strip = tag.strip {
            let rest = tag.path.dropFirst(strip.count)
            guard tag.path.hasPrefix(strip),
                rest.isEmpty || strip.hasSuffix("/") || rest.first == "/"
            else { throw .unsupported("strip=\(strip), which is not the beginning of its path") }
            lines.append(
                rest.isEmpty || rest == "/"
                    ? "strip-prefix: on"
                    : "replace-prefix: \((rest.first == "/" ? String(rest) : "/\(rest)").asYAML)")
        }
        return lines.joined(separator: "\n")
    }
}
