// The options that say which requests a route is for, and what becomes of them.

internal import HTTP1
internal import Routing
internal import Traffic

extension OptionTable {
    /// One route of a list, besides its headers.
    static let route: [Option<RouteSettings>] =
        [
            Option(
                "host", \.host, .optional(.hostPattern),
                "The host it is for; `*.` stands for one label or more."),
            Option(
                "sni", \.serverName, .optional(.hostPattern),
                "For a listener of mode tcp: the name that a TLS client asks for; `*.` stands for "
                    + "one label or more. The connection is passed on as it is."),
            Option(
                "alpn", \.protocols, .list(of: .alpnName, countMax: 16),
                "For a listener of mode tcp: the protocols of which a TLS client has to offer "
                    + "one, such as `h2`."),
            Option("path", \.path, .optional(.routePath), "The path it is for."),
            Option(
                "path-prefix", \.pathPrefix, .optional(.routePath),
                "What the path begins with, segment by segment: `/api` has `/api/x`, not `/apix`."),
            Option(
                "methods", \.methods, .list(of: .method, countMax: 32), "The methods it is for."),
            Option("service", \.service, .optional(.name), "The service that gets its requests."),
            Option("strip-prefix", \.stripPrefix, .onOff, "Backends get the path without prefix."),
            Option(
                "replace-prefix", \.replacePrefix, .optional(.routePath),
                "What backends get in the prefix's place."),
        ] + Option.group("", \.access, access) + Option.group("", \.rates, rate)
        + Option.group("limits", \.bodyLimits, routeLimits)
        + Option.group("auth", \.auth, auth)
        + Option.group("mirror", \.mirror, mirror)
        + Option.group("", \.self, routePages)
        + Option.group("maintenance", \.maintenance, maintenance)
        + Option.group("retry", \.retry, routeRetry)
        + Option.group("hsts", \.strictTransport, strictTransport)
        + Option.group("compress", \.compression, routeCompression)
        + Option.group("redirect", \.redirect, redirect)
        + Option.group(
            "respond", \.respond,
            [
                Option(
                    "health", \.health, .optional(.word),
                    "The answer of /health/ready (`ready`) or /health/live (`live`), without its "
                        + "reasons: 200 or 503; for load balancers in front."),
                Option(
                    "status", \.status, .optional(.status(200...599)), "The status of an answer."),
                Option("body", \.body, .body, "Its body."),
                Option("content-type", \.contentType, .mediaType, "The media type of that."),
            ])

    /// What is sent to another service as well.
    private static let mirror: [Option<MirrorSettings>] = [
        Option(
            "service", \.service, .optional(.name),
            "The service that gets a copy of its requests as well; nobody gets the answers."),
        Option(
            "percent", \.share, .percentOfRequests,
            "How many of its requests are copied, chosen at random."),
        Option(
            "body", \.bodyMax, .size(0...1 << 20),
            "The size of the body of a request that is copied; larger ones are left out."),
    ]

    /// How large bodies may be.
    private static let routeLimits: [Option<RouteSettings.BodySizes>] = [
        Option(
            "request-body", \.request, .optional(.bodySize),
            "Size of a request's body; larger ones get 413."),
        Option(
            "response-body", \.response, .optional(.bodySize),
            "Size of a response's body; larger ones get 502, or are cut."),
    ]

    /// Where clients are sent by a route, or by a listener.
    static let redirect: [Option<RouteSettings.Redirect>] = [
        Option(
            "to", \.to, .optional(.redirectTarget),
            "Where the client is sent; {scheme}, {host}, {port}, {path} and {query} are its own. "
                + "`https`, or `https:PORT`, is the same by HTTPS."),
        Option(
            "status", \.status, .status(301...308, of: [301, 302, 303, 307, 308]),
            "The status of that; 308 to `https`, unless it is given."),
    ]

    /// Changes of a head, besides its lines.
    static let headerEdits: [Option<RouteSettings.HeaderEdits>] = [
        Option(
            "remove", \.remove, .list(of: .editableField, countMax: 64),
            "Names of fields that are not passed on.")
    ]
}
