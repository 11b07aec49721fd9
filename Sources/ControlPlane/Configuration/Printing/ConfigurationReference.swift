// The reference of every option, made from the tables that read them, so that it cannot be out of
// date.

internal import Backends
internal import Endpoints

/// The reference of every option.
package enum ConfigurationReference {
    /// Markdown tables: one per scope, a line per option with key, variable, flag, values, default
    /// and meaning.
    package static var markdown: String {
        let draft = Draft(processorCount: 1)
        let none = Origin.nowhere
        return [
            """
            # Configuration

            Flags win over environment variables, those over the file, and the file over defaults. \
            A duration needs a unit (`ms`, `s`, `m`, `h`), and so does a size (`B`, `KiB`, `MiB`, \
            `GiB`). An empty variable counts as unset. Keys under `defaults` are what every \
            service and listener starts from; each may set the same keys, without `defaults`, for \
            itself.
            """,
            table("Flags and environment only", OptionTable.commandLine, draft, hasVariables: true),
            table("Top level", OptionTable.file, draft, hasVariables: true),
            table(
                "`services.NAME`: either of these, and those of `defaults`",
                own(OptionTable.serviceEntry, except: OptionTable.service.map(\.key)),
                Entry(value: Service(), origin: none), OptionTable.serviceSections),
            table(
                "`listeners`: a list of these, and those of `defaults`",
                own(OptionTable.listenerEntry, except: OptionTable.listener.map(\.key)),
                Entry(value: Listener(), origin: none), OptionTable.listenerSections),
            table(
                "`routes`: each a mapping of these", OptionTable.route, RouteSettings(),
                OptionTable.routeSections + [.listener]),
            backends,
            table(
                "`backends/SERVICE/ADDRESS:PORT` in Consul's K/V store: a mapping of these",
                OptionTable.override, BackendOverride()),
        ].joined(separator: "\n\n") + "\n"
    }

    private static var backends: String {
        // Any address will do: the table shows the defaults of the rest.
        guard let address = HostAndPort("127.0.0.1:80") else { return "" }
        return table(
            "`backends`: each HOST:PORT, or a mapping of these", OptionTable.backend,
            Service.StaticBackend(address), OptionTable.backendSections)
    }

    private static func own<Root>(_ options: [Option<Root>], except keys: [String]) -> [Option<
        Root
    >] {
        options.filter { !keys.contains($0.key) }
    }

    private static func table<Root>(
        _ title: String, _ options: [Option<Root>], _ root: Root,
        _ sections: [OptionSection] = [], hasVariables: Bool = false
    ) -> String {
        var text = "## \(title)\n\n"
        text += hasVariables ? "| key | variable | flag " : "| key "
        text += "| value | default | meaning |\n"
        text += String(repeating: "|---", count: hasVariables ? 6 : 4) + "|\n"
        for option in options {
            text += "| `\(option.key)` "
            if hasVariables {
                let flag = option.flag.map { "`\($0.rawValue)`" } ?? ""
                text += "| `\(option.environmentName)` | \(flag) "
            }
            let standard = option.text(root)
            text += "| \(option.summary) | \(standard.isEmpty ? "" : "`\(standard)`") "
            text += "| \(option.sentence) |\n"
        }
        for section in sections {
            text += "| `\(section.key)` | \(section.summary) | | \(section.sentence) |\n"
        }
        return text
    }
}
