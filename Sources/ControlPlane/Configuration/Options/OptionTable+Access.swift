// The options that say who may come, and how much, to a listener and by a route.

internal import Access
internal import Endpoints
internal import RateLimits

extension OptionTable {
    /// Which addresses clients may have.
    static let access: [Option<AddressRules>] = [
        Option(
            "allow", \.allowed, networks,
            "The networks whose clients may come; with one at least, nobody else may. Of networks "
                + "within each other the smallest decides."),
        Option(
            "deny", \.denied, networks,
            "The networks whose clients may not; they get 403, or with mode tcp a reset."),
    ]

    /// How many requests clients may send.
    static let rate: [Option<[RateRule]>] = [
        Option(
            "rate", \.self, .rates,
            "How many requests may come: `100/s`, `10/m`, `1000/h`, of each client address unless "
                + "`by` says `header NAME` or `all`; `burst` at once, as many as the limit unless "
                + "given; `clients` are told apart; with `share: on` the Fairleads that are "
                + "registered in Consul under one name have it together. The others get 429.")
    ]

    /// Which service is asked whether requests may come, or who may come by a password.
    static let auth: [Option<AuthSettings>] = [
        Option(
            "service", \.service, .optional(.name),
            "The service that is asked before a request goes to a backend, or `off`: 2xx lets it "
                + "through, 3xx and 4xx go to the client."),
        Option("path", \.path, .questionPath, "The path of the question, perhaps with a query."),
        Option(
            "method", \.keepsMethod, .words([("GET", false), ("same", true)]),
            "The method of the question: GET, or that of the request. Bodies are never sent."),
        Option(
            "host", \.host, .optional(.questionHost),
            "The Host of the question, in the place of the request's."),
        Option(
            "send", \.send, .list(of: .editableField, countMax: 64),
            "Fields of the request that are sent besides Authorization and Cookie."),
        Option(
            "take", \.take, .list(of: .editableField, countMax: 64),
            "Fields of the answer that the request gets; those that a client sends itself are "
                + "removed."),
        Option(
            "users", \.users, .optional(.filePath),
            "In the place of `service`: a file of those who may come by a password (Basic, RFC "
                + "7617), as `htpasswd -B` writes it."),
        Option(
            "realm", \.realm, .realm, "What browsers say that the password is for."),
        Option(
            "user-field", \.userField, .optional(.editableField),
            "The field that tells the backend the user's name; what a client sends in it itself is "
                + "removed."),
        Option(
            "pass-authorization", \.passesAuthorization, .onOff,
            "Whether the backend gets Authorization, with the password."),
        Option("timeout", \.timeout, timeout, "For the answer, or the check of a password."),
        Option(
            "fail", \.failure, .word,
            "What becomes of a request when no answer comes, or 5xx: `closed` answers 503, `open` "
                + "lets it through."),
    ]

    private static let networks = ValueKind<[IPNetwork]>.list(
        of: .network, countMax: ConfigurationLimits.networksMax)
}
