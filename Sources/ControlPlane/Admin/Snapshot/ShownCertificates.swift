// ShownCertificates: what the admin port shows of the certificates of listeners.

/// The certificates of all listeners. Value type, any thread.
package struct ShownCertificates: Sendable {
    /// The certificates in use, in the order of the listeners, each once.
    package var inUse: [Certificate] = []
    /// Files whose certificates can't be used, so that an earlier one stays in use, or none.
    package var refused: [Refused] = []
    /// Files with lists of revoked certificates of clients, in the order of the listeners, each
    /// once.
    package var revocations: [Revocations] = []

    /// None.
    package init() {}

    /// A certificate in use.
    package struct Certificate: Sendable {
        /// The file with its chain, or what people call another place.
        package var place: String
        /// The names of the listeners that show it.
        package var listeners: [String]
        /// The one that it was issued to: `/CN=example.com`.
        package var subject: String
        /// The one that issued it.
        package var issuer: String
        /// The host names that it is for; may be empty.
        package var names: [String]
        /// Its key: `P-256`, `RSA 2048`.
        package var key: String
        /// Its SHA-256, in hexadecimal digits.
        package var fingerprint: String
        /// When it begins, in seconds since 1970.
        package var begins: Double
        /// When it ends, in seconds since 1970.
        package var ends: Double

        /// A value with all of its properties.
        package init(
            place: String, listeners: [String], subject: String, issuer: String, names: [String],
            key: String, fingerprint: String, begins: Double, ends: Double
        ) {
            self.place = place
            self.listeners = listeners
            self.subject = subject
            self.issuer = issuer
            self.names = names
            self.key = key
            self.fingerprint = fingerprint
            self.begins = begins
            self.ends = ends
        }

        /// The first of its host names, else the one that it was issued to.
        package var title: String { names.first ?? subject }

        /// How long before its end it should have a successor: 14 days, or the last third of a
        /// shorter life.
        private static let noticeMax = 14.0 * 86_400

        /// Whether it should have had a successor by `now`.
        package func isEnding(at now: Double) -> Bool {
            ends - now < min(Self.noticeMax, (ends - begins) / 3)
        }
    }

    /// A file whose certificate can't be used.
    package struct Refused: Sendable {
        /// The file, or what people call another place.
        package var place: String
        /// What is wrong, and what to do about it.
        package var reason: String
        /// What comes of it, as a clause.
        package var effect: String
        /// The names of the listeners that are to show it.
        package var listeners: [String]

        /// A value with all of its properties.
        package init(place: String, reason: String, effect: String, listeners: [String]) {
            self.place = place
            self.reason = reason
            self.effect = effect
            self.listeners = listeners
        }
    }

    /// A file with lists of revoked certificates of clients.
    package struct Revocations: Sendable {
        /// The file.
        package var place: String
        /// The names of the listeners whose clients it is about.
        package var listeners: [String]
        /// When the first of its lists ends, in seconds since 1970: from then on no client is let
        /// in.
        package var ends: Double

        /// A value with all of its properties.
        package init(place: String, listeners: [String], ends: Double) {
            self.place = place
            self.listeners = listeners
            self.ends = ends
        }

        /// How long before its end it should have a successor. Authorities write lists for some
        /// days, and the next one a day or more before.
        private static let notice = 12.0 * 3600

        /// Whether it should have had a successor by `now`.
        package func isEnding(at now: Double) -> Bool { ends - now < Self.notice }
    }

    /// The certificates in use, the one that ends first at the beginning, at most so many.
    package func endingFirst(countMax: Int) -> [Certificate] {
        Array(inUse.sorted { $0.ends < $1.ends }.prefix(countMax))
    }
}
