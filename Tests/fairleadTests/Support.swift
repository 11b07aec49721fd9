// Support: configurations from texts as the loader reads them.

import Configuration
import Documents
import Testing

@testable import fairlead

/// A configuration of services and listeners, as written in a file, on two processors.
func configuration(_ text: String) throws -> Configuration {
    let file = NamedText(name: "test.yaml", text: "workers: 2\nadmin: off\n" + text)
    return try ConfigurationLoader.load(file: file, processorCount: 2).configuration
}
