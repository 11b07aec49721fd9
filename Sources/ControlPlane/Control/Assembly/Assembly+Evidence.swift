// Assembly of evidence: a backend's counters as the figures that OutlierWatch compares.

internal import Evidence
internal import Stats

extension OutlierWatch.Figures {
    /// What a backend's counters say.
    init(_ figures: LiveFigures) {
        self.init(
            answers: UInt64(max(0, figures.answers)), failures: UInt64(max(0, figures.failures)),
            firstByteMicroseconds: UInt64(max(0, figures.firstByteMicroseconds)),
            firstByteCount: UInt64(max(0, figures.firstByteCount)),
            bytesReceived: UInt64(max(0, figures.bytesReceived)))
    }
}
