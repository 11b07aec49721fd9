// RenewalWishes: when an authority would like certificates to be renewed, asked again and again: it
// may change its mind, as of certificates that it has to revoke.

internal import ACME
internal import TLS

/// The windows of certificates. Control thread only.
final class RenewalWishes {
    private struct Wish {
        let identifier: String
        var window: RenewalPlan.Window?
        var asksAgainAt: Int
    }

    private let connection: AuthorityConnection
    private let directory: String
    private var wishes: [String: Wish] = [:]
    private var asked: (host: String, question: RenewalQuestion)?

    /// Nothing is known yet. The authority is asked by `connection`.
    init(_ connection: AuthorityConnection, at directory: String) {
        self.connection = connection
        self.directory = directory
    }

    /// When the certificate of `host` should be renewed; nil when the authority has not said.
    func window(of host: String) -> RenewalPlan.Window? { wishes[host]?.window }

    /// Asks about the certificate of `host`, if it is time to and nothing else is being asked;
    /// `now` is in seconds of Unix time.
    func look(at host: String, _ life: CertificateLife, now: Int) {
        guard asked == nil, let identifier = RenewalQuestion.identifier(of: life) else { return }
        if wishes[host]?.identifier != identifier {
            wishes[host] = Wish(identifier: identifier, window: nil, asksAgainAt: now)
        }
        guard let wish = wishes[host], wish.asksAgainAt <= now else { return }
        asked = (host, RenewalQuestion(of: identifier, at: directory))
        ask(now)
    }

    /// Forgets hosts that are not wanted any more.
    func forget(except wanted: Set<String>) {
        wishes = wishes.filter { wanted.contains($0.key) }
    }

    private func ask(_ now: Int) {
        guard let (host, question) = asked else { return }
        switch question.next() {
        case .send(let request):
            connection.send(request) { [weak self] result in
                self?.asked?.question.receive(try? result.get())
                self?.ask(now)
            }
        case .finished(let window, let again):
            asked = nil
            wishes[host]?.window = window
            wishes[host]?.asksAgainAt = now + Int(again.components.seconds)
        }
    }
}
