// AuthorizationField: where a request has its credentials (RFC 9110, section 11.6.2).

extension RequestHead {
    /// Where the value of Authorization is in the bytes that were parsed. Nil without one, and with
    /// more than one: the field has no list, and two readers could take two values for the one.
    package var authorization: Range<Int>? {
        guard contains(.authorization) else { return nil }
        var range: Range<Int>?
        for index in 0..<fieldCount where field(index).known == .authorization {
            if range != nil { return nil }
            range = field(index).value.bounds
        }
        return range
    }
}
