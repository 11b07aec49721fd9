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
        checkResource()
        let (unread, advice): ([String], String) =
            switch draft.configuration.traces.to {
            case .off:
                (
                    [
                        "sample", "parents", "follow-parents", "errors", "service-name", "resource",
                        "headers", "ca-file", "timeout",
                    ],
                    "no effect without traces.to: name a collector, or log"
                )
            case .log:
                (
                    ["errors", "service-name", "resource", "headers", "ca-file", "timeout"],
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

    /// Looks for keys that spans would have twice; adds to errors.
    private mutating func checkResource() {
        var seen: Set<String> = []
        for attribute in draft.configuration.traces.resource
        where !seen.insert(attribute.key).inserted {
            errors.add(
                "found \(attribute.key) twice, expected each key once",
                at: given["traces.resource"] ?? .nowhere)
        }
    }
}
