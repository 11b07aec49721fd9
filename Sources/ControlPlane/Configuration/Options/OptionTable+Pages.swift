// The options that say what clients see of errors, and while something is closed.

internal import Endpoints
internal import Routing
internal import Traffic

extension OptionTable {
    /// What clients of a listener see of errors.
    static let listenerPages: [Option<ClientPolicy>] = [
        Option("error-pages", \.errorPages, .pages, pagesSentence),
        Option("error-pages-of", \.errorPagesOfBackends, pageOwners, ownersSentence),
    ]

    /// What clients of a route see of errors.
    static let routePages: [Option<RouteSettings>] = [
        Option("error-pages", \.errorPages, .pages, pagesSentence),
        Option("error-pages-of", \.errorPagesOfBackends, .optional(pageOwners), ownersSentence),
    ]

    /// When a listener or a route is closed.
    static let maintenance: [Option<MaintenanceRule>] = [
        Option(
            "when", \.when, .optional(.maintenance),
            "Whether it is closed: `on`, or the path of a file, for as long as that is there; "
                + "clients get 503."),
        Option(
            "allow", \.allowed,
            .list(of: .network, countMax: ConfigurationLimits.networksMax),
            "The networks whose clients are served meanwhile."),
        Option(
            "retry-after", \.retryAfter, .duration(.seconds(1) ... .seconds(604_800)),
            "After how long the others are told to come again."),
        Option(
            "page", \.path, .optional(.pageFile),
            "The file that they see; without it the page for 503, or a line of text."),
    ]

    private static let pageOwners = ValueKind<Bool>.words([("fairlead", false), ("all", true)])

    private static let pagesSentence =
        "Files that clients see in place of Fairlead's own text, by status: "
        + "`{502: FILE, 5xx: FILE}`; .html, .txt, .json or .xml, for clients that take that."
    private static let ownersSentence =
        "Whose answers they stand for: `fairlead`'s own, or `all`, those of backends as well."
}
