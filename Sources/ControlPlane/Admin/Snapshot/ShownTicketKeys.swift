// ShownTicketKeys: what the admin port shows of the keys of session tickets that several processes
// share. The keys themselves are never shown.

/// Where keys are shared, and whether that works. Value type, any thread.
package struct ShownTicketKeys: Sendable, Equatable {
    /// A file, or `Consul key fairlead-secrets/ticket-keys`.
    package var place: String
    /// How many keys were there at the last good look; 0 before the first.
    package var count: Int
    /// Why keys can't be read or renewed there now, and what comes of it; nil while they can.
    package var problem: String?

    /// A value with all of its properties.
    package init(place: String, count: Int, problem: String?) {
        self.place = place
        self.count = count
        self.problem = problem
    }
}
