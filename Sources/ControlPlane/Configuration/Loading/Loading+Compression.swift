// What compression of responses needs besides options that fit: the libraries, which are loaded
// with the configuration, so that a start or a reload that names a missing one is refused.

internal import Compression
internal import HTTP1
internal import Routing
internal import Traffic

extension Loading {
    /// Responses are compressed as soon as an option that says how is given in the same scope,
    /// whose keys begin with `prefix`, unless one says not.
    func settled(
        _ options: CompressionOptions, given: [String: Origin], prefix: String = ""
    ) -> CompressionOptions {
        let group = "\(prefix)compress."
        var options = options
        if given["\(group)use"] == nil, options.codings.isEmpty,
            given.keys.contains(where: { $0.hasPrefix(group) && $0 != "\(group)memory" })
        {
            options.codings = CompressionOptions.allCodings
        }
        return options
    }

    /// Loads the libraries of all codings that are used; adds to errors and warnings.
    mutating func readCompression() {
        for listener in listeners
        where listener.value.mode == .tcp && !listener.value.policy.compression.codings.isEmpty {
            let keys = listener.given.keys.filter { $0.hasPrefix("compress.") }.sorted()
            guard let key = keys.first, let origin = listener.given[key] else { continue }
            warnings.add("no effect on a listener of mode tcp", at: origin)
        }
        guard purpose == .serving else { return }
        var tried: Set<ContentCoding> = []
        for listener in listeners where listener.value.mode == .http {
            let policy = listener.value.policy.compression
            let origin =
                listener.given["compress.use"] ?? given["defaults.compress.use"] ?? listener.origin
            load(policy.codings, at: origin, &tried)
            for (route, origin) in zip(listener.value.routes, listener.routeOrigins) {
                load(policy.overridden(by: route.compression).codings, at: origin, &tried)
            }
        }
    }

    private mutating func load(
        _ codings: [ContentCoding], at origin: Origin, _ tried: inout Set<ContentCoding>
    ) {
        for coding in codings where tried.insert(coding).inserted {
            do throws(CompressionUnavailable) {
                try ContentEncoder.load(coding)
            } catch {
                let (library, package) =
                    switch coding {
                    case .gzip: ("zlib", "zlib1g")
                    case .brotli: ("brotli", "libbrotli1")
                    case .zstd: ("zstd", "libzstd1")
                    }
                errors.add(
                    "found no \(library) (\(error)), expected its library: install \(package), or "
                        + "leave \(coding.name) out of compress.use", at: origin)
            }
        }
    }
}
