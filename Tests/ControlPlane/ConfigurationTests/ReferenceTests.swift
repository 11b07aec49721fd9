// Goal: the reference and the examples an operator copies are read as they are written. Method: the
// generated text against names that are a contract; every file of `conf`; small texts.

import Configuration
import Documents
import Endpoints
import Glibc
import TestSupport
import Testing

@Suite struct ReferenceTests {
    @Test(
        "the variables and flags that are a contract are in the reference",
        arguments: [
            "FAIRLEAD_LISTEN", "FAIRLEAD_SERVICE", "FAIRLEAD_DNS", "FAIRLEAD_ADMIN",
            "FAIRLEAD_WORKERS",
            "FAIRLEAD_MODE", "FAIRLEAD_BACKEND", "FAIRLEAD_CONFIG", "FAIRLEAD_DNS_TIMEOUT",
            "FAIRLEAD_STOP_TIMEOUT", "FAIRLEAD_CHECK_INTERVAL", "FAIRLEAD_CHECK_PATH",
        ] + ConfigurationFlag.allCases.map(\.rawValue))
    func contract(name: String) {
        #expect(ConfigurationReference.markdown.contains("`\(name)`"))
    }

    @Test("a line of the reference has every column, and no variable sets two options")
    func lines() {
        let rows = ConfigurationReference.markdown.split(separator: "\n").filter {
            $0.hasPrefix("| `")
        }
        #expect(
            rows.contains(
                "| `defaults.check.interval` | `FAIRLEAD_CHECK_INTERVAL` |  | duration, 100ms to "
                    + "1h | `2s` | From the start of one check to the start of the next. |"))
        let variables = rows.compactMap { row in
            row.split(separator: "|").map { $0.drop { $0 == " " } }.first {
                $0.hasPrefix("`FAIRLEAD_")
            }
        }
        #expect(variables.count > 30)
        #expect(Set(variables).count == variables.count)
    }

    @Test("the reference in conf is the one that the program prints")
    func stored() throws {
        let stored = try NamedText.read(path: examplesFolder() + "reference.md").text
        #expect(
            stored == ConfigurationReference.markdown + "\n",
            "run `fairlead config reference >conf/reference.md`")
    }

    @Test("every flag has a sentence for the help text", arguments: ConfigurationFlag.allCases)
    func help(flag: ConfigurationFlag) {
        #expect(flag.help.hasSuffix("."))
    }

    @Test("every example loads without error or warning", arguments: exampleNames())
    func example(name: String) throws {
        var overrides = Overrides()
        overrides[.config] = [examplesFolder() + name]
        let loaded = try ConfigurationLoader.load(overrides: overrides, processorCount: 2)
        #expect(loaded.warnings.isEmpty)
    }

    @Test("the example to copy is among them")
    func examples() {
        #expect(exampleNames().contains("fairlead.yaml"))
    }
}

/// `conf` beside `Tests`.
private func examplesFolder() -> String {
    PackageFolder.path + "/conf/"
}

private func exampleNames() -> [String] {
    var found = unsafe glob_t()
    // Filled by glob, and freed by globfree whatever it returned.
    defer { unsafe globfree(&found) }
    guard unsafe glob(examplesFolder() + "*.yaml", 0, nil, &found) == 0 else { return [] }
    return unsafe (0..<Int(found.gl_pathc)).compactMap { index in
        unsafe found.gl_pathv[index].map { unsafe String(cString: $0) }
    }
    .compactMap { $0.split(separator: "/").last.map(String.init) }
}
