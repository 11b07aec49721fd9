// Maintenance: a listener or a route that is closed for a while, on purpose: its clients get 503
// and the time after which to come again, but for those that see to it that it can be opened.

internal import Access
package import Endpoints

/// When a listener or a route is closed, and for whom, as an operator writes it. Value type, any
/// thread.
package struct MaintenanceRule: Sendable, Equatable {
    /// When it is closed.
    package enum When: Sendable, Equatable {
        /// Never: the listener or the route is open.
        case off
        /// Now, until another configuration says otherwise.
        case on
        /// For as long as there is a file at this path.
        case whileFile(String)
    }

    /// When it is closed; nil is as its listener says, and with a listener never.
    package var when: When?
    /// Whether the file of `when` was there when the configuration was read.
    package var isFileThere = false
    /// Networks whose clients are served meanwhile.
    package var allowed: [IPNetwork] = []
    /// After how long clients are told to come again; 5 minutes, so that nobody waits long behind
    /// the end, and a crowd does not ask every second.
    package var retryAfter = Duration.seconds(300)
    /// The file that clients see; nil for the page of the status 503, or a line of text.
    package var path: String?
    /// What is in that file; nil until it is read.
    package var page: Page?

    /// Open.
    package init() {}

    /// Whether it is closed.
    package var isOn: Bool {
        switch when {
        case nil, .off: false
        case .on: true
        case .whileFile: isFileThere
        }
    }
}

/// Being closed. Immutable, any thread.
package final class Maintenance: Sendable {
    /// The value of Retry-After, in seconds.
    package let retryAfter: [UInt8]
    /// What clients see; nil for the page of the status 503, or a line of text.
    package let page: Page?
    private let served: AddressTable?

    /// Nil where `rule` says that it is open.
    package init?(_ rule: MaintenanceRule) {
        guard rule.isOn else { return nil }
        retryAfter = Array("\(max(1, rule.retryAfter.components.seconds))".utf8)
        page = rule.page
        var rules = AddressRules()
        rules.allowed = rule.allowed
        served = AddressTable(rules)
    }

    /// Whether a client at `address` is served meanwhile; nil is a client whose address nobody
    /// says.
    package func serves(_ address: IPAddress?) -> Bool {
        guard let served, let address else { return false }
        return served.admits(address)
    }
}
