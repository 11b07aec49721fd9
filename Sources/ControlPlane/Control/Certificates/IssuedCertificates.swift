// IssuedCertificates: the certificates of hosts that this process gets by itself, as they are in
// their store, and as clients are shown them.
//
// Until the first certificate of a host is there, its clients are shown one that Fairlead has
// signed itself: a port that refused them would look like a Fairlead that is not there.

internal import ACME
internal import CertificateFiles
internal import Configuration
internal import TLS

/// The certificates of hosts. Control thread only.
final class IssuedCertificates {
    /// A certificate that is in use.
    private struct Held {
        let product: ACMEProduct
        let certificate: TLSCertificate
        let life: CertificateLife
    }

    private let issued: IssuedStore
    private let store: CertificateStore
    private var held: [String: Held] = [:]
    /// What clients of hosts are shown that have none.
    private var standIns: [String: TLSCertificate] = [:]
    /// Certificates that their store has not taken, by host.
    private(set) var unwritten: [String: ACMEProduct] = [:]
    private var stamp: [Int] = []

    /// Knows no host yet; `store` gets what clients are shown.
    init(_ issued: IssuedStore, _ store: CertificateStore) {
        self.issued = issued
        self.store = store
    }

    /// What a renewal has to know of the certificate of `host`; nil without one.
    func life(of host: String) -> CertificateLife? { held[host]?.life }

    /// Forgets hosts that are not wanted any more.
    func forget(except wanted: Set<String>) {
        held = held.filter { wanted.contains($0.key) }
        standIns = standIns.filter { wanted.contains($0.key) }
        unwritten = unwritten.filter { wanted.contains($0.key) }
    }

    // MARK: - The store

    /// Whether the store has changed since the last call.
    func hasNews() -> Bool {
        let now = issued.home.stamp
        defer { stamp = now }
        return now != stamp
    }

    /// Reads the certificate of `host` from the store. Returns whether it is another one than
    /// before. One that can't be used leaves what there was.
    func read(_ host: String) -> Bool {
        guard unwritten[host] == nil, let product = issued.product(for: host),
            product != held[host]?.product
        else { return false }
        return take(product, for: host) == nil
    }

    /// Takes up `product` for `host`. Nil when it is in use, else why it can't be.
    private func take(_ product: ACMEProduct, for host: String) -> String? {
        do throws(CertificateProblem) {
            let certificate = try TLSCertificate(chain: product.chain, key: product.key)
            guard certificate.names.contains(host) else { return "it is not for \(host)" }
            held[host] = Held(
                product: product, certificate: certificate,
                life: try CertificateLife(chain: product.chain))
            standIns[host] = nil
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Uses `product` for `host`; it is not in the store yet. Returns why it can't be used; nil
    /// where it can.
    func use(_ product: ACMEProduct, for host: String) -> String? {
        if let reason = take(product, for: host) { return reason }
        unwritten[host] = product
        return nil
    }

    /// The store has what was to be kept for `host`.
    func kept(_ host: String) { unwritten[host] = nil }

    /// Whether the store has a certificate for `host` that lasts as long as the one that is to be
    /// kept, since another process has got one.
    func isOutdone(_ host: String) -> Bool {
        guard let held = held[host], let other = issued.product(for: host), other != held.product,
            let certificate = try? TLSCertificate(chain: other.chain, key: other.key)
        else { return false }
        return certificate.names.contains(host) && certificate.notAfter >= held.life.ends
    }

    // MARK: - What clients are shown

    /// Hands over what clients are shown for `host`, and what is wrong with it; nil for nothing.
    func show(_ host: String, trouble: CertificateTrouble?) {
        var reading = CertificateReading()
        let places = issued.places(of: host)
        if let held = held[host] {
            reading.found = [
                FoundCertificate(
                    held.certificate, chainPlace: places.chain, keyPlace: places.key)
            ]
        } else if let own = standIn(for: host) {
            let place = "made by Fairlead until \(places.chain) is there"
            reading.found = [FoundCertificate(own, chainPlace: place, keyPlace: place)]
        }
        if let trouble { reading.troubles = [trouble] }
        store.set([.named(TLSSettings.issuedName(host)): reading])
    }

    private func standIn(for host: String) -> TLSCertificate? {
        if let made = standIns[host] { return made }
        let key = SigningKey()
        let made = try? TLSCertificate(
            chain: key.selfSigned(for: [host], subject: "Fairlead, for the time being", days: 90),
            key: key.pem)
        standIns[host] = made
        return made
    }
}
