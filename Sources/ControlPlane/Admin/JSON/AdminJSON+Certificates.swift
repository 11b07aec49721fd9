// The certificates of listeners, and what their sessions are resumed by, as `/stats` has them.

/// `certificates` of `/stats`.
struct CertificatesView: Encodable {
    struct Certificate: Encodable {
        let place: String
        let listeners: [String]
        let subject: String
        let issuer: String
        let names: [String]
        let key: String
        let fingerprint: String
        let begins: String
        let ends: String
        /// Whole days, rounded down; negative once it has ended.
        let daysLeft: Int
        let ending: Bool
    }

    struct Refused: Encodable {
        let place: String
        let reason: String
        let listeners: [String]
    }

    struct Revocations: Encodable {
        let place: String
        let listeners: [String]
        let ends: String
        let ending: Bool
    }

    let count: Int
    /// The one that ends first at the beginning.
    let inUse: [Certificate]
    let refused: [Refused]
    let revocations: [Revocations]

    /// Host names that are shown of each: certificates may have hundreds.
    private static let namesMax = 20

    /// Nil without any.
    init?(_ snapshot: AdminSnapshot, countMax: Int) {
        let all = snapshot.certificates
        guard !all.inUse.isEmpty || !all.refused.isEmpty else { return nil }
        let now = snapshot.takenAt
        count = all.inUse.count
        inUse = all.endingFirst(countMax: countMax).map {
            Certificate(
                place: $0.place, listeners: $0.listeners, subject: $0.subject, issuer: $0.issuer,
                names: Array($0.names.prefix(Self.namesMax)), key: $0.key,
                fingerprint: $0.fingerprint, begins: timeText($0.begins), ends: timeText($0.ends),
                daysLeft: Int((($0.ends - now) / 86_400).rounded(.down)),
                ending: $0.isEnding(at: now))
        }
        refused = all.refused.prefix(countMax).map {
            Refused(place: $0.place, reason: $0.reason, listeners: $0.listeners)
        }
        revocations = all.revocations.prefix(countMax).map {
            Revocations(
                place: $0.place, listeners: $0.listeners, ends: timeText($0.ends),
                ending: $0.isEnding(at: now))
        }
    }
}

/// `ticketKeys` of `/stats`.
struct TicketKeysView: Encodable {
    let place: String
    let count: Int
    let problem: String?

    init(_ keys: ShownTicketKeys) {
        place = keys.place
        count = keys.count
        problem = keys.problem
    }
}

/// `rateShares` of `/stats`.
struct RateSharesView: Encodable {
    let place: String
    let count: Int
    let problem: String?

    init(_ shares: ShownRateShares) {
        place = shares.place
        count = shares.count
        problem = shares.problem
    }
}
