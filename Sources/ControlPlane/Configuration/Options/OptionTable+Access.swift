// The options that say who may come, and how much, to a listener and by a route.

internal import Access
internal import Endpoints

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

    private static let networks = ValueKind<[IPNetwork]>.list(
        of: .network, countMax: ConfigurationLimits.networksMax)
}
