// The documents of a certificate authority, as far as they matter here (RFC 8555, section 7.1).

internal import JSON

/// Reads them. Any thread.
enum ACMEDocument {
    /// The status of orders, authorizations and challenges.
    enum Status: String, Decodable {
        case pending, ready, processing, valid, invalid, deactivated, expired, revoked
    }

    struct Problem: Decodable {
        let type: String?
        let detail: String?
        let subproblems: [Problem]?
    }

    struct Order: Decodable {
        let status: Status
        let authorizations: [String]
        let finalize: String
        let certificate: String?
        let error: Problem?
    }

    struct Authorization: Decodable {
        struct Identifier: Decodable {
            let type: String
            let value: String
        }
        struct Challenge: Decodable {
            let type: String
            let url: String
            let token: String?
            let error: Problem?
        }
        let identifier: Identifier
        let status: Status
        let challenges: [Challenge]
    }

    /// `body` as a document; `what` says in the error what it should have been.
    static func read<Value: Decodable>(
        _ type: Value.Type, _ body: [UInt8], _ what: String
    ) throws(ACMEProblem) -> Value {
        do throws(JSON.Malformed) {
            return try JSON.decode(type, from: body)
        } catch {
            throw ACMEProblem(.malformed("\(what): \(error.reason)"))
        }
    }
}
