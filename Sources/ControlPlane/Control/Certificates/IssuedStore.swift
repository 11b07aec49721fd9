// IssuedStore: what is kept of certificates from an authority. Every Fairlead that is given the
// store uses what is there, one at a time orders, and all answer for the one that does.
//
// | name                      | what it is                                                        |
// |---------------------------|-------------------------------------------------------------------|
// | HOST/fullchain.pem        | the certificate and those that lead to its issuer                 |
// | HOST/privkey.pem          | its key                                                           |
// | HOST/failed               | how many orders have failed, until when none is made, and why     |
// | accounts/AUTHORITY/       | account.pem, the account's key, and account.url, what it is there |
// | challenges/TOKEN          | what is to be answered by http-01                                 |
// | challenges/HOST.tls-alpn  | what is to be answered by tls-alpn-01                             |
// | lock                      | locked by the one that orders                                     |
// | changed                   | written after each change                                         |

internal import ACME
internal import TLS

/// The store. Control thread only.
struct IssuedStore {
    let home: any IssuedHome

    private func text(_ name: String) -> String? {
        home.read(name).map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: - Certificates

    private static func names(of host: String) -> (chain: String, key: String, failed: String) {
        ("\(host)/fullchain.pem", "\(host)/privkey.pem", "\(host)/failed")
    }

    /// The places of the chain of the certificate for `host`, and of its key.
    func places(of host: String) -> (chain: String, key: String) {
        let names = Self.names(of: host)
        return (home.place(of: names.chain), home.place(of: names.key))
    }

    /// The certificate for `host`; nil when there is none.
    func product(for host: String) -> ACMEProduct? {
        let names = Self.names(of: host)
        guard let chain = home.read(names.chain), let key = home.read(names.key) else { return nil }
        return ACMEProduct(chain: chain, key: key)
    }

    /// What keeps the certificate for `host`, which ends its failures.
    func changes(for product: ACMEProduct, of host: String) -> [IssuedChange] {
        let names = Self.names(of: host)
        return [
            IssuedChange(name: names.key, bytes: product.key),
            IssuedChange(name: names.chain, bytes: product.chain),
            IssuedChange(name: names.failed, bytes: nil),
        ]
    }

    // MARK: - Failures

    /// How orders for `host` have failed; nil for none.
    func failures(of host: String) -> RenewalPlan.Failures? {
        guard let text = text(Self.names(of: host).failed) else { return nil }
        let numbers = text.prefix { !$0.isNewline }.split(separator: " ").map { Int($0) }
        guard numbers.count == 2, let count = numbers[0], let notBefore = numbers[1] else {
            return nil
        }
        return RenewalPlan.Failures(count: count, notBefore: notBefore)
    }

    /// What keeps how orders for `host` have failed, so that neither a start nor another process
    /// orders before its time.
    func changes(
        for failures: RenewalPlan.Failures, _ reason: String, of host: String
    ) -> [IssuedChange] {
        let text = "\(failures.count) \(failures.notBefore)\n\(reason)\n"
        return [IssuedChange(name: Self.names(of: host).failed, bytes: Array(text.utf8))]
    }

    // MARK: - The account

    private static func folder(of directory: String) -> String {
        let text = directory.hasPrefix("https://") ? directory.dropFirst(8) : directory[...]
        return "accounts/"
            + String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    }

    /// The account at the authority with that directory; nil for none.
    func account(at directory: String) -> (key: SigningKey, url: String?)? {
        let folder = Self.folder(of: directory)
        guard let pem = home.read(folder + "/account.pem"), let key = try? SigningKey(pem: pem)
        else { return nil }
        let url = text(folder + "/account.url").map { String($0.prefix { !$0.isNewline }) }
        return (key, url)
    }

    /// What keeps an account.
    func changes(
        forAccount key: SigningKey, url: String?, at directory: String
    ) -> [IssuedChange] {
        let folder = Self.folder(of: directory)
        var changes = [IssuedChange(name: folder + "/account.pem", bytes: key.pem)]
        if let url {
            changes.append(
                IssuedChange(name: folder + "/account.url", bytes: Array((url + "\n").utf8)))
        }
        return changes
    }

    // MARK: - Challenges

    private static let challengeFolder = "challenges"
    private static let certificateEnding = ".tls-alpn"

    /// What is to be answered now.
    func challenges() -> [ACMEChallenge] {
        home.names(in: Self.challengeFolder).compactMap { name in
            guard let text = text("\(Self.challengeFolder)/\(name)") else { return nil }
            if name.hasSuffix(Self.certificateEnding) {
                return ACMEChallenge(
                    method: .tlsALPN, host: String(name.dropLast(Self.certificateEnding.count)),
                    token: "", keyAuthorization: text)
            }
            guard ACMEChallenge.isToken(name) else { return nil }
            return ACMEChallenge(method: .http, host: "", token: name, keyAuthorization: text)
        }
    }

    /// What makes `challenges` all that is to be answered.
    func changes(for challenges: [ACMEChallenge]) -> [IssuedChange] {
        let named = challenges.map { challenge in
            (
                name: challenge.method == .http
                    ? challenge.token : challenge.host + Self.certificateEnding,
                text: challenge.keyAuthorization
            )
        }
        let gone = home.names(in: Self.challengeFolder)
            .filter { old in !named.contains { $0.name == old } }
        return gone.map { IssuedChange(name: "\(Self.challengeFolder)/\($0)", bytes: nil) }
            + named.map {
                IssuedChange(name: "\(Self.challengeFolder)/\($0.name)", bytes: Array($0.text.utf8))
            }
    }
}
