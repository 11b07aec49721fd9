// Support: configurations from texts as the loader reads them.

import Configuration
import Documents
import Testing

@testable import fairlead

/// A configuration of services and listeners, as written in a file, on two processors.
func configuration(
    _ text: String, adding documents: [(key: String, text: String)] = []
) throws -> Configuration {
    let file = NamedText(name: "test.yaml", text: "workers: 2\nadmin: off\n" + text)
    let additions = try documents.map {
        try Addition(key: $0.key, NamedText(name: $0.key, text: $0.text))
    }
    return try ConfigurationLoader.load(file: file, additions: additions, processorCount: 2)
        .configuration
}
