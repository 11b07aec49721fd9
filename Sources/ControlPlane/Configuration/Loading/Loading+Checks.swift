// Whether the options of a check fit each other: what it does, by which options were given, and how
// often.

internal import HTTP1
internal import Traffic
internal import Wording

extension Loading {
    /// The options that not every type of check has, and the types that have them. Without a type
    /// the first of them is meant, and of the options the first decides.
    private static let ofTypes: [(key: String, types: [CheckType])] =
        [("grpc", [.grpc])] + ["method", "path"].map { ($0, [.http]) }
        + ["host", "headers"].map { ($0, [.http, .grpc]) }
        + ["status", "body"].map { ($0, [.http]) } + ["send", "expect"].map { ($0, [.tcp]) }

    /// Whether a check of this type has the option `key` of checks.
    static func has(_ key: String, _ type: CheckType) -> Bool {
        ofTypes.first { $0.key == key }?.types.contains(type) ?? true
    }

    /// An option that not every type of check has selects its type, unless it stands beside another
    /// type. It looks at one scope alone, so that an inherited path does not contradict a service's
    /// own type.
    mutating func settled(
        _ check: CheckOptions, given: [String: Origin], prefix: String = ""
    ) -> CheckOptions {
        var check = check
        let hasType = given["\(prefix)check.type"] != nil
        var decisive: String?
        for (key, types) in Self.ofTypes {
            guard let origin = given["\(prefix)check.\(key)"] else { continue }
            if !hasType, decisive == nil {
                check.type = types[0]
                decisive = key
            } else if !types.contains(check.type) {
                let found = decisive ?? "a check of type \(check.type.rawValue)"
                let expected = types.map(\.rawValue).joined(separator: " or ")
                errors.add("found \(found), expected type \(expected) beside \(key)", at: origin)
            }
        }
        return check
    }

    /// Checks what is only known once defaults and service are merged.
    mutating func checkCheck(_ service: Entry<Service>) {
        let check = service.value.check
        switch check.type {
        case .off: return
        case .tcp:
            if check.send != nil, check.expect == nil {
                errors.add(
                    "found send without expect, expected both: nobody would look at the answer",
                    at: origin(in: service, "check.send"))
            }
        case .http:
            if check.http.method == .head, check.http.body != nil {
                errors.add(
                    "found the method HEAD and a body to expect, expected another method: an "
                        + "answer to HEAD has no body",
                    at: origin(in: service, "check.body", "check.method"))
            }
        case .grpc:
            let ofCall = check.http.fields.first {
                let name = $0.name.lowercased()
                return name == "content-type" || name.hasPrefix("grpc-")
            }
            if let ofCall {
                errors.add(
                    "found the field \(ofCall.name), expected another: a call of gRPC says that "
                        + "itself",
                    at: origin(in: service, "check.headers"))
            }
        }
        checkIntervals(service)
    }

    /// A fast interval that was not given is no longer than the interval.
    mutating func settleIntervals() {
        guard given["defaults.check.fast-interval"] == nil else { return }
        for place in services.indices where services[place].given["check.fast-interval"] == nil {
            let interval = services[place].value.check.interval
            services[place].value.check.fastInterval = min(
                services[place].value.check.fastInterval, interval)
        }
    }

    private mutating func checkIntervals(_ service: Entry<Service>) {
        let check = service.value.check
        let interval = Units.write(check.interval)
        let isFastGiven =
            service.given["check.fast-interval"] != nil
            || given["defaults.check.fast-interval"] != nil
        if isFastGiven, check.fastInterval > check.interval {
            errors.add(
                "found a fast-interval of \(Units.write(check.fastInterval)) and an interval of "
                    + "\(interval), expected fast-interval <= interval: it is for backends that "
                    + "are to be looked at more closely",
                at: origin(in: service, "check.fast-interval", "check.interval"))
        }
        if check.timeout > check.interval {
            warnings.add(
                "found a timeout of \(Units.write(check.timeout)) and an interval of "
                    + "\(interval), expected timeout <= interval: a check that "
                    + "hangs delays the next",
                at: origin(in: service, "check.timeout", "check.interval"))
        }
    }

    /// Where the first of these keys was given for a service: its own come before defaults.
    func origin(in service: Entry<Service>, _ keys: String...) -> Origin {
        keys.compactMap { service.given[$0] }.first
            ?? keys.compactMap { given["defaults.\($0)"] }.first ?? service.origin
    }
}
