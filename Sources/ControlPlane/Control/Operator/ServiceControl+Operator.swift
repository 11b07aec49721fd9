// ServiceControl+Operator: an operator's changes of one backend.

internal import Admin
internal import Backends
internal import Configuration
internal import Traffic

extension ServiceControl {
    /// Changes a backend on this service's roster. A change that leaves no serving backend needs
    /// `isForced`.
    func change(
        _ backend: Backend, _ change: AdminChange, isForced: Bool, by origin: OperatorOrigin
    ) -> AdminOutcome {
        switch change {
        case .drain where !isForced && isLast(backend), .disable where !isForced && isLast(backend):
            return .unforced(
                "\(backend.endpoint) is the last backend of \(name) that serves: without it "
                    + JournalLines.effect(ofNone: settings.policy.limits.emptyWait)
                    + (settings.policy.limits.emptyWait == nil ? " with 503." : "."))
        case .drain:
            apply(.drain, to: backend, by: origin)
            return .done("drained by \(origin)")
        case .disable:
            apply(.disable, to: backend, by: origin)
            return .done("disabled by \(origin)")
        case .enable:
            apply(.enable, to: backend, by: origin)
            return .done("enabled by \(origin)")
        case .weight(let weight?):
            apply(.weight(weight), to: backend, by: origin)
            return .done("weight \(weight) set by \(origin)")
        case .weight(nil):
            apply(.weight(nil), to: backend, by: origin)
            return .done("weight left to discovery by \(origin)")
        case .check:
            guard checkNow(backend.id, by: origin) else {
                return .refused(
                    "The service \(name) has no checks.", expected: "a service with check")
            }
            return .done("check ordered by \(origin)")
        case .eject: return eject(backend, by: origin)
        }
    }

    /// Whether the backend serves and no other could replace it. Others that were never up don't
    /// count; while none is up, all that get requests do.
    private func isLast(_ backend: Backend) -> Bool {
        let members = roster.rotation.members.map(\.id)
        guard members.contains(backend.id) else { return false }
        return !members.contains { id in
            id != backend.id
                && (roster.emergency != nil || roster.backend(id)?.state.phase == .up)
        }
    }

    private func eject(_ backend: Backend, by origin: OperatorOrigin) -> AdminOutcome {
        switch orderEjection(backend.id, by: origin) {
        case .done: return .done("ejected by \(origin)")
        case .notUp(let phase):
            return .refused(
                "It is \(phase.rawValue), so that there is nothing to eject.",
                expected: "a backend that is up; drain keeps one out for longer")
        case .refused(let reason):
            return .refused(
                "It stays: \(reason).",
                expected: "a service with another backend that is up; drain takes the last one, too"
            )
        }
    }
}
