// CounterFamily: the workers' counters as metrics, made from their forms.

internal import Stats

/// Counters that share a metric, in the order of their names. Any thread.
struct CounterFamily<Name: ShownCounter>: Sendable {
    /// The metric that they share.
    let metric: Metric
    /// The counters, each with the value of the label that tells it from the others; the value is
    /// missing where the metric has one counter alone.
    private(set) var members: [(values: [String], name: Name)] = []

    /// The families of all counters that are shown, of something that `labels` name.
    static func all(of labels: [String]) -> [CounterFamily] {
        var families: [CounterFamily] = []
        for name in Name.allCases {
            guard let form = name.form else { continue }
            let place =
                families.firstIndex { $0.metric.name == form.metric } ?? families.endIndex
            if place == families.endIndex {
                families.append(CounterFamily(metric: Metric(form, labels)))
            }
            families[place].members.append((form.label.map { [$0.value] } ?? [], name))
        }
        return families
    }
}

extension Metric {
    /// The metric of a counter with this form, of something that `labels` name.
    fileprivate init(_ form: CounterForm, _ labels: [String]) {
        let kind: Kind =
            switch form.kind {
            case .counter: .counter
            case .gauge: .gauge
            }
        self.init(kind, form.metric, labels + (form.label.map { [$0.name] } ?? []), form.help)
    }
}
