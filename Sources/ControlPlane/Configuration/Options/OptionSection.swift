// OptionSection: keys whose values no option can read, since each has a shape of its own: a list of
// mappings, or a mapping whose keys the operator chooses. The loader, the check for unknown keys,
// the reference and the schema all go by these.

/// A key whose value has a shape of its own.
struct OptionSection: Sendable {
    /// The key, in the mapping in which it stands.
    let key: String
    /// What a value looks like, in Markdown.
    let summary: String
    /// What it is for: one sentence.
    let sentence: String

    private init(_ key: String, _ summary: String, _ sentence: String) {
        self.key = key
        self.summary = summary
        self.sentence = sentence
    }

    static let services = OptionSection(
        "services", "mapping of names to services", "Services by name.")
    static let listeners = OptionSection(
        "listeners", "list of listeners", "Where clients connect.")

    static let backends = OptionSection(
        "backends", "list of HOST:PORT or backends", "Fixed backends.")
    static let address = OptionSection("address", "HOST:PORT", "Required.")

    static let routes = OptionSection(
        "routes", "list of routes", "Where requests go by what they ask for.")
    static let headers = OptionSection(
        "headers", "mapping of names to values",
        "Fields that a request must have; `*` is any value.")
    static let requestHeaders = OptionSection("request-headers", edits, "Changes for backends.")
    static let responseHeaders = OptionSection("response-headers", edits, "Changes for clients.")
    static let split = OptionSection(
        "split", "mapping of services to percentages",
        "Services that share its requests, and the part of each; 100% together.")
    /// For a route that stands alone, in Consul's K/V store.
    static let listener = OptionSection(
        "listener", "name",
        "In Consul's K/V store: the listener it is for; every HTTP listener without it.")

    static let set = OptionSection(
        "set", "mapping of names to values", "Fields with the values that they get.")
    static let add = OptionSection(
        "add", "mapping of names to values", "Fields that are added.")

    private static let edits =
        "mapping of `remove` (a list of names), `set` and `add` (names to values)"
}

extension OptionTable {
    /// The sections of the file. Each has a table of its own in the reference.
    static let fileSections: [OptionSection] = [.services, .listeners]
    static let serviceSections: [OptionSection] = [.backends]
    static let listenerSections: [OptionSection] = [.backends, .routes]
    static let backendSections: [OptionSection] = [.address]
    static let routeSections: [OptionSection] = [
        .headers, .requestHeaders, .responseHeaders, .split,
    ]
    static let headerEditSections: [OptionSection] = [.set, .add]
}
