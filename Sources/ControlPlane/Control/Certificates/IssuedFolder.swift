// IssuedFolder: where certificates from an authority are kept. Every Fairlead that is given the
// folder uses what is there, one at a time orders, and all answer for the one that does.
//
// | in the folder             | what it is                                                        |
// |---------------------------|-------------------------------------------------------------------|
// | HOST/fullchain.pem        | the certificate and those that lead to its issuer                 |
// | HOST/privkey.pem          | its key                                                           |
// | HOST/failed               | how many orders have failed, until when none is made, and why     |
// | accounts/AUTHORITY/       | account.pem, the account's key, and account.url, what it is there |
// | challenges/TOKEN          | what is to be answered by http-01                                 |
// | challenges/HOST.tls-alpn  | what is to be answered by tls-alpn-01                             |
// | lock                      | locked by the one that orders; the kernel unlocks it at its end   |
// | changed                   | written after each certificate                                    |

internal import ACME
internal import Documents
internal import Glibc
internal import TLS

/// The folder. Control thread only; every call blocks for as long as a disk does.
struct IssuedFolder {
    let path: String

    /// Makes the folders that are missing. Nil when the folder can be written, else why not.
    func prepare() -> String? {
        for folder in [path, path + "/accounts", path + "/challenges"] {
            if let failure = Self.make(folder) { return failure }
        }
        return unsafe access(path, W_OK | X_OK) == 0 ? nil : WholeFile.reason(path)
    }

    /// Makes a folder for this user alone. Nil when it is there, else why not.
    private static func make(_ folder: String) -> String? {
        unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST ? nil : WholeFile.reason(folder)
    }

    private func read(_ name: String) -> [UInt8]? {
        (try? NamedText.read(path: path + "/" + name)).map { Array($0.text.utf8) }
    }

    // MARK: - Certificates

    /// The file with the chain of the certificate for `host`, and that with its key.
    func places(of host: String) -> (chain: String, key: String) {
        ("\(path)/\(host)/fullchain.pem", "\(path)/\(host)/privkey.pem")
    }

    /// The certificate for `host`; nil when there is none.
    func product(for host: String) -> ACMEProduct? {
        guard let chain = read("\(host)/fullchain.pem"), let key = read("\(host)/privkey.pem")
        else { return nil }
        return ACMEProduct(chain: chain, key: key)
    }

    /// Keeps the certificate for `host`. Nil when that is done, else why not.
    func write(_ product: ACMEProduct, for host: String) -> String? {
        if let failure = Self.make("\(path)/\(host)") { return failure }
        // Two files can't be replaced at once: one who reads between them finds two that don't
        // belong together, and looks again at the change of `changed`.
        let places = places(of: host)
        return WholeFile.write(product.key, to: places.key)
            ?? WholeFile.write(product.chain, to: places.chain)
            ?? forgetFailures(of: host)
            ?? tellChange(of: host)
    }

    /// Has other processes look.
    private func tellChange(of host: String) -> String? {
        WholeFile.write(Array("\(host)\n".utf8), to: path + "/changed")
    }

    // MARK: - Failures

    /// How orders for `host` have failed; nil for none.
    func failures(of host: String) -> RenewalPlan.Failures? {
        guard let text = read("\(host)/failed").map({ String(decoding: $0, as: UTF8.self) }) else {
            return nil
        }
        let numbers = text.prefix { !$0.isNewline }.split(separator: " ").map { Int($0) }
        guard numbers.count == 2, let count = numbers[0], let notBefore = numbers[1] else {
            return nil
        }
        return RenewalPlan.Failures(count: count, notBefore: notBefore)
    }

    /// Keeps how orders for `host` have failed, so that neither a start nor another process orders
    /// before its time.
    func write(_ failures: RenewalPlan.Failures, _ reason: String, for host: String) {
        _ = unsafe mkdir("\(path)/\(host)", 0o700)
        let text = "\(failures.count) \(failures.notBefore)\n\(reason)\n"
        _ = WholeFile.write(Array(text.utf8), to: "\(path)/\(host)/failed") ?? tellChange(of: host)
    }

    private func forgetFailures(of host: String) -> String? {
        let file = "\(path)/\(host)/failed"
        return unsafe unlink(file) == 0 || errno == ENOENT ? nil : WholeFile.reason(file)
    }

    // MARK: - The account

    private static func name(of directory: String) -> String {
        let text = directory.hasPrefix("https://") ? directory.dropFirst(8) : directory[...]
        return String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    }

    /// The account at the authority with that directory; nil for none.
    func account(at directory: String) -> (key: SigningKey, url: String?)? {
        let name = "accounts/" + Self.name(of: directory)
        guard let pem = read(name + "/account.pem"), let key = try? SigningKey(pem: pem) else {
            return nil
        }
        let url = read(name + "/account.url").map {
            String(decoding: $0.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        }
        return (key, url)
    }

    /// Keeps an account. Nil when that is done, else why not.
    func write(account key: SigningKey, url: String?, at directory: String) -> String? {
        let folder = path + "/accounts/" + Self.name(of: directory)
        if let failure = Self.make(folder) { return failure }
        if let failure = WholeFile.write(key.pem, to: folder + "/account.pem") { return failure }
        guard let url else { return nil }
        return WholeFile.write(Array((url + "\n").utf8), to: folder + "/account.url")
    }

    // MARK: - Challenges

    private static let certificateEnding = ".tls-alpn"

    /// What is to be answered now.
    func challenges() -> [ACMEChallenge] {
        Self.names(in: path + "/challenges").compactMap { name in
            guard let text = read("challenges/" + name).map({ String(decoding: $0, as: UTF8.self) })
            else { return nil }
            if name.hasSuffix(Self.certificateEnding) {
                return ACMEChallenge(
                    method: .tlsALPN, host: String(name.dropLast(Self.certificateEnding.count)),
                    token: "", keyAuthorization: text)
            }
            guard ACMEChallenge.isToken(name) else { return nil }
            return ACMEChallenge(method: .http, host: "", token: name, keyAuthorization: text)
        }
    }

    /// Makes `challenges` all that is to be answered. Nil when that is done, else why not.
    func write(challenges: [ACMEChallenge]) -> String? {
        let named = challenges.map { challenge in
            (
                name: challenge.method == .http
                    ? challenge.token : challenge.host + Self.certificateEnding,
                text: challenge.keyAuthorization
            )
        }
        for old in Self.names(in: path + "/challenges")
        where !named.contains(where: { $0.name == old }) {
            _ = unsafe unlink("\(path)/challenges/\(old)")
        }
        for (name, text) in named {
            if let failure = WholeFile.write(Array(text.utf8), to: "\(path)/challenges/\(name)") {
                return failure
            }
        }
        return nil
    }

    /// The names in a folder, sorted, without those of files that are being written.
    private static func names(in path: String) -> [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe _ = closedir(folder) }
        var names: [String] = []
        // The entry is valid until the next call; its name ends in zero.
        while names.count < 1000, let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name.first != ".", !name.hasSuffix(".new") { names.append(name) }
        }
        return names.sorted()
    }

    // MARK: - Others

    /// What tells that another process has changed something: it differs then.
    var stamp: [Int] {
        ["challenges", "changed"].flatMap { name -> [Int] in
            var status = stat()
            // The kernel fills the record, or says that it did not.
            guard unsafe stat("\(path)/\(name)", &status) == 0 else { return [0] }
            return [
                Int(status.st_ino), status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
            ]
        }
    }

    /// Locks the folder for an order; nil while another process has one under way.
    func lock() -> IssuedFolderLock? {
        let descriptor = unsafe open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            _ = close(descriptor)
            return nil
        }
        return IssuedFolderLock(descriptor)
    }
}

/// The lock of the one that orders, for as long as this exists.
final class IssuedFolderLock {
    private let descriptor: CInt

    fileprivate init(_ descriptor: CInt) { self.descriptor = descriptor }

    deinit { _ = close(descriptor) }
}
