// What the tests of this module share: loading a text, and the lines of its errors.

import Configuration
import Documents

/// Loads `text` as the file `f.yaml`, on a machine of four processors.
func load(
    _ text: String?, environment: [String: String] = [:], flags: [ConfigurationFlag: [String]] = [:]
) throws(ConfigurationErrors) -> LoadedConfiguration {
    var overrides = Overrides()
    for (flag, values) in flags { overrides[flag] = values }
    return try ConfigurationLoader.load(
        file: text.map { NamedText(name: "f.yaml", text: $0) }, environment: environment,
        overrides: overrides, processorCount: 4)
}

/// What loading complains about, a line each; empty when it does not.
func errors(
    _ text: String?, environment: [String: String] = [:], flags: [ConfigurationFlag: [String]] = [:]
) -> [String] {
    do throws(ConfigurationErrors) {
        _ = try load(text, environment: environment, flags: flags)
        return []
    } catch {
        return error.description.split(separator: "\n").map(String.init)
    }
}

/// A service and a listener, so that a text about something else is complete.
let web = """

    services: {web: {srv: _web._tcp.example}}
    listeners: [{listen: ":8080", service: web}]
    """
