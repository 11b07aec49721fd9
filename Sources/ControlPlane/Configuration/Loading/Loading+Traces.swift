// Checks of traces: what a collector by TLS needs, and options that have no effect.

internal import TLS

extension Loading {
    /// Loads what a collector by TLS needs, and warns of options of traces that nothing reads; adds
    /// to errors and warnings.
    mutating func checkTraces() {
        if case .collector(let url) = draft.configuration.traces.to, url.isSecure,
            purpose == .serving
        {
            do throws(TLSUnavailable) {
                try OpenSSL.load()
            } catch {
                errors.add(
                    "found no OpenSSL (\(error)), expected its libraries: install libssl3",
                    at: given["traces.to"] ?? .nowhere)
            }
        }
        let (unread, advice): ([String], String) =
            switch draft.configuration.traces.to {
            case .off:
                (
                    ["sample", "parents", "errors", "service-name", "headers", "ca-file"],
                    "no effect without traces.to: name a collector, or log"
                )
            case .log:
                (
                    ["errors", "service-name", "headers", "ca-file"],
                    "no effect without a collector in traces.to"
                )
            case .collector(let url) where !url.isSecure:
                (["ca-file"], "no effect without https:// in traces.to")
            case .collector: ([], "")
            }
        for key in unread {
            guard let origin = given["traces.\(key)"] else { continue }
            warnings.add(advice, at: origin)
        }
    }
}
