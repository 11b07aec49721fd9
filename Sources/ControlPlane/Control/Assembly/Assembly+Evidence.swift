// Assembly of evidence: figures and verdicts in the words of those who weigh them.

internal import Backends
internal import Health
internal import Stats

extension OutlierWatch.Figures {
    /// What a backend's counters say.
    init(_ figures: LiveFigures) {
        self.init(
            answers: UInt64(max(0, figures.answers)), failures: UInt64(max(0, figures.failures)),
            firstByteMicroseconds: UInt64(max(0, figures.firstByteMicroseconds)),
            firstByteCount: UInt64(max(0, figures.firstByteCount)))
    }
}

extension LiveFailure {
    /// Why a backend stands out.
    init(_ verdict: OutlierWatch.Verdict) {
        switch verdict {
        case .errorRate(let failed, let all): self = .errorRate(failed: Int(failed), of: Int(all))
        case .slow(let own, let others):
            self = .slow(milliseconds: Int(own / 1000), others: Int(others / 1000))
        }
    }
}
