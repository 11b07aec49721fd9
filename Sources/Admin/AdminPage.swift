// AdminPage: the page at `/`, rendered here and nowhere else. The script in it fetches the page
// anew each second and moves the differences over, so what a browser without scripts shows is the
// same, and there is one place that knows how a figure looks.
//
// What is wrong comes first, in words; colours only repeat what a word says.

internal import Backends
internal import HTTPServer
internal import Stats
internal import WallClock

/// The page of one snapshot.
struct AdminPage {
    let snapshot: AdminSnapshot
    let verdict: AdminVerdict
    let nonce: String

    /// - Parameter nonce: what the content security policy of the response names.
    init(_ snapshot: AdminSnapshot, nonce: String) {
        self.snapshot = snapshot
        self.nonce = nonce
        verdict = AdminVerdict(snapshot)
    }

    var html: HTML {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(title)</title>
        <link rel="icon" href="data:,">
        <noscript><meta http-equiv="refresh" content="5"></noscript>
        <style nonce="\(nonce)">\(AdminPageAssets.style)</style>
        </head>
        <body>
        <p id="stale" role="alert" hidden></p>
        <main data-at="\(snapshot.takenAt)" data-title="\(title)">
        \(header)
        \(HTML(snapshot.services.indices.map(section)))
        \(listeners)
        \(registries)
        \(journal)
        </main>
        <script nonce="\(nonce)">\(AdminPageAssets.script)</script>
        </body>
        </html>

        """
    }

    // MARK: - What is wrong

    /// Short at its beginning, where a browser's tab shows it.
    private var title: String {
        (verdict.level == .good ? "" : "(!) ") + "Fairlead: \(verdict.sentence)"
    }

    private var header: HTML {
        let mark =
            switch verdict.level {
            case .good: "✓"
            case .warning: "!"
            case .failing: "✕"
            }
        return """
            <header class="\(verdict.level.rawValue)">
            <h1>Fairlead</h1>
            <p class="verdict" role="status" aria-live="polite">\
            <span class="mark" aria-hidden="true">\(mark)</span>\(verdict.sentence)</p>
            \(problems)
            <p class="facts">\(HTML(facts))</p>
            </header>
            """
    }

    private var problems: HTML {
        if verdict.problems.isEmpty { return "" }
        return """
            <ul class="problems">\
            \(HTML(verdict.problems.map { "<li class=\"\($0.level.rawValue)\">\($0.text)</li>" }))\
            </ul>
            """
    }

    private var facts: [HTML] {
        var facts: [HTML] = [
            "<span>Up \(AgeText(snapshot.takenAt - snapshot.startedAt))</span>",
            "<span>version \(snapshot.version)</span>",
            "<span>\(snapshot.workers) worker\(snapshot.workers == 1 ? "" : "s")</span>",
        ]
        if let process = snapshot.process {
            let mebibytes = (Double(process.residentBytes) / 104_857.6).rounded() / 10
            facts.append("<span>\(mebibytes) MiB resident</span>")
            let descriptors =
                "\(grouped(process.openDescriptors)) of \(grouped(process.descriptorsMax))"
            facts.append("<span>\(descriptors) descriptors</span>")
        }
        facts.append("<span>as of \(time(snapshot.takenAt)) UTC</span>")
        return facts
    }

    // MARK: - Services

    private func section(_ index: Int) -> HTML {
        let service = snapshot.services[index]
        let sentence: HTML = service.sentence.isEmpty ? "" : "<p>\(service.sentence)</p>"
        return """
            <section aria-labelledby="service-\(index)">
            <h2 id="service-\(index)">\(service.name) \
            <small>\(service.mode.rawValue), from \(sources(of: service))</small></h2>
            <p class="facts">\(HTML(figures(of: service, index)))</p>
            \(sentence)
            \(HTML(service.sources.map { discovery($0, of: service) }))
            \(hold(of: service))
            \(backends(of: service, index))
            </section>
            """
    }

    private func figures(of service: AdminSnapshot.Service, _ index: Int) -> [HTML] {
        let totals = service.totals
        let unit = service.mode == .http ? "requests" : "connections"
        let count = service.backends.count
        var figures: [HTML] = [
            "<span><b>\(service.rotationCount) of \(count)</b> in the rotation</span>",
            """
            <span><b>\(grouped(totals.requests))</b> \(unit)\
            \(rate("s\(index)", totals.requests))</span>
            """,
            "<span><b>\(grouped(totals.inFlight))</b> in flight</span>",
        ]
        let errors =
            totals.noBackend + totals.backendErrors + totals.timeouts + totals.cutShort
        figures.append(
            "<span class=\"\(errors > 0 ? "bad" : "")\"><b>\(grouped(errors))</b> failed</span>")
        if totals.retries > 0 {
            figures.append("<span><b>\(grouped(totals.retries))</b> sent again</span>")
        }
        if let median = totals.duration.quantileMicroseconds(0.5),
            let high = totals.duration.quantileMicroseconds(0.99)
        {
            figures.append(
                """
                <span>half within <b>\(duration(median))</b>, \
                99 % within <b>\(duration(high))</b></span>
                """)
        }
        return figures
    }

    private func sources(of service: AdminSnapshot.Service) -> String {
        service.sources.map(\.summary).joined(separator: ", then ")
    }

    private func hold(of service: AdminSnapshot.Service) -> HTML {
        service.hold.map { "<p class=\"discovery\">\($0)</p>" } ?? ""
    }

    private func discovery(
        _ source: AdminSnapshot.Source, of service: AdminSnapshot.Service
    ) -> HTML {
        let who = service.sources.count == 1 ? "Discovery" : source.summary
        var parts: [HTML] = []
        if let lastGoodAt = source.lastGoodAt {
            let count = source.lastGoodCount
            parts.append(
                """
                \(who) last answered <b>\(age(lastGoodAt)) ago</b> \
                with \(count) instance\(count == 1 ? "" : "s").
                """)
        } else {
            parts.append("\(who) has <b>not answered yet</b>.")
        }
        if let failedAt = source.lastFailureAt {
            parts.append(
                source.isFailing
                    ? " <b class=\"bad\">It fails now</b>: \(source.lastFailure)."
                    : " It last failed \(age(failedAt)) ago: \(source.lastFailure).")
        }
        return "<p class=\"discovery\">\(HTML(parts))</p>"
    }

    // MARK: - Figures

    func age(_ moment: Double) -> AgeText {
        AgeText(snapshot.takenAt - moment)
    }

    func time(_ moment: Double) -> HTML {
        let time = UTCTime(secondsSince1970: moment)
        return "<time datetime=\"\(time.iso8601)\" title=\"\(time.iso8601)\">\(time.clock)</time>"
    }

    /// Where the script puts how fast a count grows.
    func rate(_ key: String, _ count: Int) -> HTML {
        "<span class=\"rate\" data-key=\"\(key)\" data-count=\"\(count)\"></span>"
    }
}
