// Reading of pages. They are read and checked with the configuration, so that a start or a reload
// that names a broken one is refused, and what runs keeps what it has.

package import Documents
package import Routing
internal import Traffic
internal import Wording

/// Reads the files of pages.
package enum PageFile {
    /// The page in the file at `path`. Blocks for as long as a disk does.
    ///
    /// - Throws: what is wrong with the file.
    package static func read(_ path: String) throws(FileTextError) -> Page {
        guard let format = PageFormat(path: path) else {
            throw FileTextError(
                text: "found an unknown ending, expected .html, .htm, .txt, .json or .xml")
        }
        let most = ConfigurationLimits.pageBytesMax
        let bytes = try NamedText.readBytes(path: path)
        guard bytes.count <= most else {
            throw FileTextError(
                text: "found \(bytes.count) bytes, expected at most \(Units.write(size: most)): "
                    + "link pictures and scripts in place of having them inside")
        }
        guard !bytes.isEmpty else {
            throw FileTextError(text: "found an empty file, expected a page")
        }
        return Page(format, bytes)
    }
}

extension Loading {
    /// Reads the pages of all listeners and routes, but for those that are known, and looks whether
    /// the files are there that close something; adds to errors.
    mutating func readPages() {
        guard purpose == .serving else { return }
        for index in listeners.indices {
            let listener = listeners[index]
            let (given, own) = (given, listener.given)
            func origin(_ key: String) -> Origin {
                own[key] ?? given["defaults.\(key)"] ?? listener.origin
            }
            guard listener.value.mode == .http else {
                for (key, isSaid) in listener.value.policy.ofHTTP where isSaid {
                    guard let origin = own[key] else { continue }
                    errors.add(
                        "found \(key) on a listener of mode tcp, expected mode http", at: origin)
                }
                continue
            }
            var policy = listener.value.policy
            read(&policy.errorPages, at: origin("error-pages"))
            read(&policy.maintenance, at: origin("maintenance.page"))
            listeners[index].value.policy = policy
            for place in listener.value.routes.indices {
                var route = listener.value.routes[place]
                let origin = listener.routeOrigins[place]
                read(&route.errorPages, at: origin)
                read(&route.maintenance, at: origin)
                listeners[index].value.routes[place] = route
            }
        }
        let bytes = draft.configuration.files.pages.values.reduce(0) { $0 + $1.bytes.count }
        if bytes > ConfigurationLimits.allPagesBytesMax {
            let most = Units.write(size: ConfigurationLimits.allPagesBytesMax)
            errors.add(
                "found pages of \(bytes >> 20)MiB in all, expected at most \(most)", at: .nowhere)
        }
    }

    private mutating func read(_ rules: inout [PageRule], at origin: Origin) {
        var seen: Set<PageStatuses> = []
        for index in rules.indices {
            if !seen.insert(rules[index].statuses).inserted {
                errors.add(
                    "found two pages for \(rules[index].statuses.text), expected one", at: origin)
            }
            rules[index].page = page(rules[index].path, at: origin)
        }
    }

    private mutating func read(_ rule: inout MaintenanceRule, at origin: Origin) {
        if let path = rule.path { rule.page = page(path, at: origin) }
        guard case .whileFile(let path) = rule.when else { return }
        rule.isFileThere = FileStamp(path: path) != nil
    }

    /// The page at `path`; nil where it can't be read, which is added to errors, once.
    private mutating func page(_ path: String, at origin: Origin) -> Page? {
        // Listeners and routes may share files.
        if let page = draft.configuration.files.pages[path] { return page }
        guard !brokenFiles.contains(path) else { return nil }
        do throws(FileTextError) {
            // What is known is in use, whatever its file says by now.
            let page =
                if let known = knownFiles.pages[path] { known } else { try PageFile.read(path) }
            draft.configuration.files.pages[path] = page
            return page
        } catch {
            brokenFiles.insert(path)
            errors.add("\(quoted(path)): \(error.text)", at: origin)
            return nil
        }
    }
}

extension ClientPolicy {
    /// Options that a listener of mode tcp can't have, and whether each says anything.
    fileprivate var ofHTTP: [(key: String, isSaid: Bool)] {
        [
            ("error-pages", !errorPages.isEmpty), ("error-pages-of", errorPagesOfBackends),
            ("maintenance.when", maintenance.when != nil && maintenance.when != .off),
            ("limits.request-body", bodyLimits.request != .max),
            ("limits.response-body", bodyLimits.response != .max),
        ]
    }
}
