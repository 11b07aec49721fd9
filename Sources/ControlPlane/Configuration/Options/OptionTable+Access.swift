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
                + "given; `clients` are told apart. The others get 429.")
    ]

    private static let networks = ValueKind<[IPNetwork]>.list(
        of: .network, countMax: ConfigurationLimits.networksMax)
}
