// The journal's entries as the admin port shows them.

package import Backends

extension AdminSnapshot {
    /// One entry of the journal.
    package struct JournalEntry: Sendable {
        /// Counts from 0 over the life of the process.
        package var number: UInt64
        /// When it happened.
        package var at: Double
        /// The name of the service concerned; empty for the whole process.
        package var service: String
        /// The backend's address; empty for an event of the whole service.
        package var backend: String
        /// What happened and why: `up to down: 3 checks failed in a row, the last: timed out`.
        package var text: String
        /// The new state of the backend; nil for an event that changed none.
        package var to: BackendState.Phase?

        /// An entry; its number and its state may follow.
        package init(
            number: UInt64 = 0, at: Double, service: String, backend: String, text: String,
            to: BackendState.Phase? = nil
        ) {
            self.number = number
            self.at = at
            self.service = service
            self.backend = backend
            self.text = text
            self.to = to
        }
    }
}
