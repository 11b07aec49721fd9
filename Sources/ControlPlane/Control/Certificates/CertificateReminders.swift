// CertificateReminders: says once a day in the log which certificates should have been renewed by
// now, for those who watch neither the page nor the metrics.

internal import Admin
internal import Configuration
internal import Events
internal import WallClock

/// Looks at the ends of certificates, and of lists of revoked ones. Control thread only.
final class CertificateReminders {
    private let shown: () -> ShownCertificates
    private let log: () -> Log
    private var timer: Timer?

    /// How often a line is written.
    private static let interval = Duration.seconds(86_400)
    /// Lines of one day: folders may have thousands of certificates.
    private static let linesMax = 20

    /// Says nothing before `start`; `shown` is what listeners show when it is called.
    init(
        on loop: EventLoop, _ shown: @escaping () -> ShownCertificates, log: @escaping () -> Log
    ) {
        self.shown = shown
        self.log = log
        timer = Timer(on: loop) { [unowned self] in look() }
    }

    /// Looks at once, and then each day.
    func start() {
        look()
    }

    /// Looks no more.
    func stop() { timer?.cancel() }

    private func look() {
        timer?.schedule(after: Self.interval)
        let now = UTCTime.now.secondsSince1970
        let shown = shown()
        let ending = shown.endingFirst(countMax: .max).filter { $0.isEnding(at: now) }
        for certificate in ending.prefix(Self.linesMax) {
            let isOver = certificate.ends <= now
            write(
                isOver, "certificate.ending", certificate.place, certificate.title,
                ends: certificate.ends, now,
                isOver ? "clients refuse it" : "clients refuse it then; see why it was not renewed")
        }
        if ending.count > Self.linesMax {
            log().write(
                .warning, "certificate.ending",
                ["more": "\(ending.count - Self.linesMax)", "effect": "see the admin page"])
        }
        for lists in shown.revocations where lists.isEnding(at: now) {
            write(
                lists.ends <= now, "certificate.list_ending", lists.place,
                lists.listeners.joined(separator: ","), ends: lists.ends, now,
                "no client is let in from then on; get the authority's new one")
        }
    }

    private func write(
        _ isOver: Bool, _ event: StaticString, _ place: String, _ about: String, ends: Double,
        _ now: Double, _ effect: String
    ) {
        log().write(
            isOver ? .error : .warning, event,
            [
                "file": place, "about": about, "ends": UTCTime(secondsSince1970: ends).iso8601,
                "days_left": "\(Int(((ends - now) / 86_400).rounded(.down)))", "effect": effect,
            ])
    }
}
