// Counted: the workers' counters in JSON documents, by the keys of their forms.

internal import Stats

/// The fields that a document has for something, and its counters, as one object.
struct Counted<Fields: Encodable, Name: ShownCounter>: Encodable {
    let fields: Fields
    let totals: CounterTotals<Name>

    init(_ fields: Fields, _ totals: CounterTotals<Name>) {
        self.fields = fields
        self.totals = totals
    }

    func encode(to encoder: any Encoder) throws {
        try fields.encode(to: encoder)
        var object = encoder.container(keyedBy: Key.self)
        var groups: [String: [String: Int]] = [:]
        for name in Name.allCases {
            guard let form = name.form else { continue }
            if let group = form.group {
                groups[group, default: [:]][form.key] = totals[name]
            } else {
                try object.encode(totals[name], forKey: Key(form.key))
            }
        }
        for (group, counts) in groups { try object.encode(counts, forKey: Key(group)) }
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ text: String) { stringValue = text }
        init?(stringValue text: String) { stringValue = text }
        init?(intValue: Int) { nil }
    }
}
