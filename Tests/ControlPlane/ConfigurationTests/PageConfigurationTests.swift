// Goal: pages and maintenance are read for listeners, defaults and routes with the files that they
// name, and what is wrong is refused with its place. Method: small files, each with a wrong twin.

import Configuration
import Documents
import Endpoints
import Routing
import TestSupport
import Testing
import Traffic

@Suite struct PageConfigurationTests {
    private func file(_ listener: String, route: String = "path: /a", top: String = "") -> String {
        """
        \(top)
        services: {web: {srv: _web._tcp.example}}
        listeners:
        - {listen: ":8080", service: web, routes: [{\(route), service: web}], \(listener)}
        """
    }

    @Test("pages of listeners, defaults and routes; what is written of them is read alike")
    func pages() throws {
        let folder = try TemporaryFiles()
        let html = try folder.write("502.html", "<p>broken")
        let text = try folder.write("all.txt", "broken\n")
        let loaded = try load(
            file(
                "error-pages: {502: \(html), 5xx: \(text)}, error-pages-of: all",
                route: "path: /a, error-pages: {4XX: \(html)}"))
        let listener = loaded.configuration.listeners[0]
        #expect(
            listener.policy.errorPages == [
                PageRule(.one(502), html, Page(.html, Array("<p>broken".utf8))),
                PageRule(.hundred(5), text, Page(.text, Array("broken\n".utf8))),
            ])
        #expect(listener.policy.errorPagesOfBackends)
        #expect(listener.routes[0].errorPages.map(\.statuses) == [.hundred(4)])
        #expect(listener.routes[0].errorPagesOfBackends == nil)
        #expect(Set(loaded.configuration.files.pages.keys) == [html, text])
        let again = try load(loaded.effective.yaml)
        #expect(again.configuration.listeners == loaded.configuration.listeners)

        let variable = try load(
            file("http2: on"), environment: ["FAIRLEAD_ERROR_PAGES": "502: \(html),4xx: \(text)"])
        #expect(
            variable.configuration.listeners[0].policy.errorPages.map(\.path) == [html, text])
    }

    @Test("maintenance, short and in full, and while a file is there")
    func maintenance() throws {
        let folder = try TemporaryFiles()
        let html = try folder.write("closed.html", "<p>closed")
        let flag = folder.path("closed")
        let text = file(
            "maintenance: {when: \(flag), page: \(html), retry-after: 10m, allow: 10.0.0.0/8}",
            route: "path: /a, maintenance: on")
        let open = try load(text).configuration.listeners[0]
        #expect(!open.policy.maintenance.isOn && open.routes[0].maintenance.isOn)
        _ = try folder.write("closed", "")
        let closed = try load(text)
        let rule = closed.configuration.listeners[0].policy.maintenance
        #expect(rule.isOn && rule.when == .whileFile(flag))
        #expect(rule.retryAfter == .seconds(600))
        #expect(rule.allowed.map(\.description) == ["10.0.0.0/8"])
        #expect(rule.page?.bytes == Array("<p>closed".utf8))
        let again = try load(closed.effective.yaml)
        #expect(again.configuration.listeners == closed.configuration.listeners)
    }

    @Test("what is wrong is refused with its place")
    func wrong() throws {
        let folder = try TemporaryFiles()
        let html = try folder.write("x.html", "x")
        let empty = try folder.write("empty.html", "")
        let large = try folder.write("large.html", String(repeating: "x", count: (256 << 10) + 1))
        for (listener, expected) in [
            ("error-pages: {502: /nowhere/x.html}", "\"/nowhere/x.html\": cannot be read: No such"),
            ("error-pages: {502: \(empty)}", "found an empty file, expected a page"),
            ("error-pages: {502: \(large)}", "found 262145 bytes, expected at most 256KiB"),
            ("error-pages: {200: \(html)}", "found the status \"200\", expected one from 400 to"),
            ("error-pages: {3xx: \(html)}", "found the status \"3xx\", expected one from 400 to"),
            ("error-pages: {502: /x.php}", "found the file \"/x.php\", expected one that ends in"),
            ("error-pages: \(html)", "expected a mapping of statuses to files, such as {502: FI"),
            (
                "error-pages: [502: \(html), 502: \(html)]", "found two pages for 502, expected one"
            ),
            ("error-pages-of: backends", "expected fairlead or all"),
            ("maintenance: maybe", "expected on, off, or the path of a file that begins with /"),
            ("maintenance: {page: x.gif}", "found the file \"x.gif\", expected one that ends in"),
        ] {
            let errors = errors(file(listener))
            #expect(errors.count == 1 && errors.first?.contains(expected) == true, "\(errors)")
            #expect(errors.first?.contains("listeners[0].") == true, "\(errors)")
        }
        let tcp = errors(
            """
            services: {web: {srv: _web._tcp.example}}
            listeners: [{listen: ":80", mode: tcp, service: web, maintenance: on}]
            """)
        #expect(tcp.first?.contains("maintenance.when on a listener of mode tcp") == true)
    }

    @Test("pages that are known are not read again, so that a broken one holds up nothing")
    func known() throws {
        let page = Page(.html, [0x78])
        var files = NamedFiles()
        files.pages = ["/nowhere/x.html": page]
        let loaded = try ConfigurationLoader.load(
            file: NamedText(name: "f.yaml", text: file("error-pages: {502: /nowhere/x.html}")),
            processorCount: 4, files: files)
        #expect(loaded.configuration.listeners[0].policy.errorPages[0].page == page)
    }
}
