// The page's tables: backends by tier, listeners, journal. Cells are labelled twice, by the head of
// their column and each by itself, because on a phone a row is a card and the heads are hidden.

internal import Backends
internal import Stats

extension AdminPage {
    // MARK: - Backends

    private static let backendColumns = [
        "Backend", "State", "Requests", "In flight", "Failures", "Last check",
    ]

    func backends(of service: AdminSnapshot.Service, _ index: Int) -> HTML {
        guard !service.backends.isEmpty else {
            return "<p class=\"empty\">There is no backend on the roster.</p>"
        }
        let tiers = Set(service.backends.map(\.tier)).sorted()
        let all = service.backends.reduce(0) { $0 + $1.totals.requests }
        let bodies = tiers.map { body($0, of: service, allRequests: all) }
        return """
            <table role="table" aria-labelledby="service-\(index)">
            \(heads(Self.backendColumns))
            \(HTML(bodies))
            </table>
            """
    }

    private func body(
        _ tier: Tier, of service: AdminSnapshot.Service, allRequests: Int
    ) -> HTML {
        let backends = service.backends.filter { $0.tier == tier }
        let place: HTML =
            service.sources.count > 1 ? "Source \(Int(tier.place) + 1), priority" : "Priority"
        let up = backends.count(where: \.isInRotation)
        let use: HTML
        if backends.contains(where: \.isActive) {
            use = "gets the requests"
        } else if up > 0 {
            use = "stands by"
        } else {
            use = "<span class=\"bad\">nothing in the rotation</span>"
        }
        let columnCount = Self.backendColumns.count
        return """
            <tbody role="rowgroup">
            <tr class="tier" role="row">\
            <th role="rowheader" scope="rowgroup" colspan="\(columnCount)">\
            \(place) \(tier.priority): \(use) <small>\(up) of \(backends.count) in the rotation</small>\
            </th></tr>
            \(HTML(backends.map { row($0, of: service, allRequests: allRequests) }))\
            </tbody>

            """
    }

    private func row(
        _ backend: AdminSnapshot.Backend, of service: AdminSnapshot.Service, allRequests: Int
    ) -> HTML {
        let state: HTML = """
            <span class="state">\(backend.state.rawValue)</span> for \(age(backend.since))\
            <small>\(backend.cause)</small>
            """
        return """
            <tr role="row" class="\(backend.state.rawValue)">\
            \(rowHead(name(of: backend)))\
            \(cell("State", state))\
            \(cell("Requests", requests(of: backend, allRequests: allRequests)))\
            \(cell("In flight", "\(grouped(backend.totals.inFlight))"))\
            \(cell("Failures", failures(of: backend)))\
            \(cell("Last check", check(of: backend, service)))</tr>

            """
    }

    private func name(of backend: AdminSnapshot.Backend) -> HTML {
        let host: HTML = backend.hostName.isEmpty ? "" : "<small>\(backend.hostName)</small>"
        let named: HTML = backend.isNamed ? "" : "<small class=\"bad\">no longer named</small>"
        return "\(backend.endpoint)\(host)<small>weight \(backend.weight)</small>\(named)"
    }

    private func requests(of backend: AdminSnapshot.Backend, allRequests: Int) -> HTML {
        let count = backend.totals.requests
        let share = allRequests > 0 ? Double(count) / Double(allRequests) : 0
        let percent = Int((share * 100).rounded())
        return """
            \(grouped(count))<span class="share">\(percent) %</span>\
            \(rate("b\(backend.id)", count))\
            <meter min="0" max="100" value="\(percent)" aria-label="Share of requests"></meter>
            """
    }

    private func failures(of backend: AdminSnapshot.Backend) -> HTML {
        guard backend.failures > 0 else { return "0" }
        return """
            <span class="bad">\(grouped(backend.failures))</span>\
            <small>\(grouped(backend.totals.dialFailures)) to connect</small>
            """
    }

    private func check(
        of backend: AdminSnapshot.Backend, _ service: AdminSnapshot.Service
    ) -> HTML {
        guard let check = backend.check else {
            return service.isChecked ? "none yet" : "checks are off"
        }
        let word: HTML = check.passed ? "passed" : "<b class=\"bad\">failed</b>"
        return "\(word) \(age(check.at)) ago<small>\(check.result)</small>"
    }

    // MARK: - Listeners and journal

    var listeners: HTML {
        let rows: [HTML] = snapshot.listeners.map { listener in
            let totals = listener.totals
            let name: HTML =
                "\(listener.endpoint)<small>\(listener.name), \(listener.mode.rawValue)</small>"
            return """
                <tr role="row">\(rowHead(name))\
                \(cell("Leads to", "\(listener.services.joined(separator: ", "))"))\
                \(cell("Open", "\(grouped(totals.open))"))\
                \(cell("Accepted", "\(grouped(totals.accepted))"))\
                \(cell("Turned away", "\(grouped(totals.refused + totals.acceptErrors))"))\
                \(cell("Bad requests", "\(grouped(totals.badRequests))"))</tr>

                """
        }
        return table(
            "Listeners",
            ["Address", "Leads to", "Open", "Accepted", "Turned away", "Bad requests"], rows,
            empty: "There is no listener.")
    }

    /// Who is asked for instances, and how they answer.
    var registries: HTML {
        guard !snapshot.registries.isEmpty else { return "" }
        let rows: [HTML] = snapshot.registries.map { registry in
            let state: HTML =
                registry.isWell
                ? "\(registry.sentence)" : "<b class=\"bad\">\(registry.sentence)</b>"
            let answers = registry.answers.sorted { $0.key < $1.key }
                .map { "\($0.key) \(grouped($0.value))" }.joined(separator: ", ")
            let malformed: HTML =
                registry.lastMalformedAt.map { at in
                    """
                    <span class="bad">\(grouped(registry.malformed))</span>\
                    <small>\(age(at)) ago: \(registry.lastMalformed)</small>
                    """
                } ?? "0"
            return """
                <tr role="row">\(rowHead("\(registry.address)<small>\(registry.kind)</small>"))\
                \(cell("State", state))\
                \(cell("Answers", "\(answers)"))\
                \(cell("Malformed", malformed))</tr>

                """
        }
        return table(
            "Registries", ["Address", "State", "Answers", "Malformed"], rows, empty: "")
    }

    var journal: HTML {
        let rows: [HTML] = snapshot.journal.map { entry in
            let backend = entry.backend.isEmpty ? "all" : entry.backend
            return """
                <tr role="row">\
                \(rowHead("\(time(entry.at))<small>\(age(entry.at)) ago</small>"))\
                \(cell("Service", "\(entry.service)"))\
                \(cell("Backend", "\(backend)"))\
                \(cell("What happened", "\(entry.text)"))</tr>

                """
        }
        return table(
            "Journal", ["Time (UTC)", "Service", "Backend", "What happened"], rows,
            empty: "Nothing has happened yet.")
    }

    // MARK: - Parts

    private func table(_ title: String, _ columns: [String], _ rows: [HTML], empty: String) -> HTML
    {
        let id = title.lowercased()
        guard !rows.isEmpty else {
            return "<section><h2>\(title)</h2><p class=\"empty\">\(empty)</p></section>"
        }
        return """
            <section aria-labelledby="\(id)"><h2 id="\(id)">\(title)</h2>
            <table role="table" class="\(id)" aria-labelledby="\(id)">
            \(heads(columns))
            <tbody role="rowgroup">
            \(HTML(rows))\
            </tbody></table></section>
            """
    }

    private func heads(_ columns: [String]) -> HTML {
        let cells: [HTML] = columns.map { "<th role=\"columnheader\" scope=\"col\">\($0)</th>" }
        return "<thead role=\"rowgroup\"><tr role=\"row\">\(HTML(cells))</tr></thead>"
    }

    private func rowHead(_ content: HTML) -> HTML {
        "<th role=\"rowheader\" scope=\"row\">\(content)</th>"
    }

    /// The inner element keeps the content one piece beside its label on a phone.
    private func cell(_ label: String, _ content: HTML) -> HTML {
        "<td role=\"cell\" data-label=\"\(label)\"><div>\(content)</div></td>"
    }
}
