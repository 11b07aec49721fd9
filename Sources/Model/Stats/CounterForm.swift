// CounterForm: how operators see a counter. The names are a contract: dashboards and alerts are
// built on them, so one that was released stays.

/// The names and the help of one counter. From it follow its series in `/metrics` and StatsD, its
/// key in the JSON documents and its entry in the OpenAPI document. Value type, any thread.
package struct CounterForm: Sendable {
    /// How the number moves.
    package enum Kind: String, Sendable {
        /// The value only grows.
        case counter
        /// The value says how many there are now.
        case gauge
    }

    /// How the number moves.
    package let kind: Kind
    /// The metric's name: base units, `_total` on counters and on nothing else.
    package let metric: String
    /// What tells the counter from the others of its metric, as a label and its value; nil for a
    /// metric of its own.
    package let label: (name: String, value: String)?
    /// The object of the JSON document that has the key; nil for the document itself.
    package let group: String?
    /// The key in JSON.
    package let key: String
    /// The metric's help: one sentence.
    package let help: String

    private init(
        _ kind: Kind, _ metric: String, label: (name: String, value: String)?, group: String?,
        key: String, _ help: String
    ) {
        self.kind = kind
        self.metric = metric
        self.label = label
        self.group = group
        self.key = key
        self.help = help
    }

    /// A counter that only grows, with a metric of its own.
    static func counter(_ metric: String, key: String, _ help: String) -> CounterForm {
        CounterForm(.counter, metric, label: nil, group: nil, key: key, help)
    }

    /// A counter that rises and falls, with a metric of its own.
    static func gauge(_ metric: String, key: String, _ help: String) -> CounterForm {
        CounterForm(.gauge, metric, label: nil, group: nil, key: key, help)
    }

    /// Several counters under one name: a metric with a label, and an object in JSON.
    struct Family {
        let metric: String
        let label: String
        let group: String
        let help: String

        /// The counter of this family with `value` in its label.
        func member(_ value: String, key: String) -> CounterForm {
            CounterForm(
                .counter, metric, label: (label, value), group: group, key: key, help)
        }
    }
}
