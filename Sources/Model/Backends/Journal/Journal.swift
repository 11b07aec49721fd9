// Journal: what happened to the backends of this process, and why. A ring: bounded however wild a
// registry gets, and writing an entry is O(1). Causes become words when they are read.

package import Endpoints
internal import Wording

/// One thing that happened. Value type, any thread.
package struct JournalEntry: Sendable, Equatable {
    /// Counts from 0; a gap between two reads of the journal shows how many were overwritten.
    package let number: UInt64
    /// When it happened.
    package let at: ContinuousClock.Instant
    /// Which service it concerns.
    package let service: ServiceID
    /// The backend concerned; nil when it concerns the whole service.
    package let backend: BackendID?
    /// Where that backend is; nil when there is none.
    package let endpoint: Endpoint?
    /// What happened.
    package let event: JournalEvent
}

/// What can happen. Any thread.
package enum JournalEvent: Sendable, Equatable, CustomStringConvertible {
    /// A backend changed its phase; `from` is nil when it came to the roster.
    case phase(from: BackendState.Phase?, to: BackendState.Phase, Cause)
    /// The source gave a backend another priority or weight.
    case share(from: Share, to: Share)
    /// An operator overrides a backend in another way than before; nil is not at all.
    case override(from: BackendOverride?, to: BackendOverride?, by: OperatorOrigin = .store)
    /// An operator wants a check at once.
    case checkOrdered(OperatorOrigin)
    /// An operator's drain has lasted as long as a drain may: what was under way was ended.
    case operatorDrainLimit
    /// Something that concerns the whole process, as a sentence without its full stop.
    case note(String)
    /// The service was added to those that run.
    case serviceAdded
    /// No request comes to the service any more.
    case serviceRemoved
    /// The service gets its instances from another source now.
    case sourceChanged
    /// The service's options have changed.
    case optionsChanged
    /// The source began to fail, or to fail in another way; nothing leaves while the hold lasts,
    /// which is nil when there is no backend to hold.
    case sourceFailed(SourceTitle, DiscoveryFailure, hold: Duration?)
    /// A good answer came, the first after a failure.
    case sourceRecovered(SourceTitle, instances: Int)
    /// The source fails from the start, and the service begins with what it named that long ago to
    /// an earlier process.
    case sourceRecalled(SourceTitle, instances: Int, age: Duration)
    /// The last backend of a source that was up is not any more, and another source serves.
    case failedOver(from: SourceTitle, to: SourceTitle)
    /// A backend of a source that was out is up again, and waits for so long behind those of the
    /// source that serves in its stead.
    case returning(SourceTitle, after: Duration)
    /// A source serves again.
    case failedBack(SourceTitle)
    /// A hold for a failing source ended.
    case holdEnded(HoldKind)
    /// More than half of the backends were lost in one answer or within seconds; those that pass
    /// their checks wait for so long behind those that are still named.
    case massLoss(lost: Int, of: Int, hold: Duration)
    /// Backends that discovery lost serve beside those named, and why.
    case lostServe(count: Int, LossReason)
    /// Backends that discovery lost wait behind those named again.
    case lostWait(count: Int)
    /// Some backends are named no more, and others instead: how many of each.
    case replacing(old: Int, new: Int)
    /// The others are up, so that the old ones drain.
    case replaced(old: Int, new: Int)
    /// Backends that discovery lost within the last seconds are back, since no other is up.
    case lostRecalled(count: Int)
    /// A live failure ejected no backend; the first one in a while.
    case ejectionRefused(EjectionRefusal)
    /// A backend on probation has its whole share again.
    case probationEnded(isProven: Bool)
    /// No backend is up.
    case emergencyBegan(Emergency.Mode)
    /// Live requests fail in the emergency; once in each.
    case emergencyRefuses
    /// Backends are up again, or none is left.
    case emergencyEnded(after: Duration)
    /// The source names more instances than a service may have.
    case instancesRefused(count: Int, limit: Int)

    /// Why lost backends serve beside those that are named.
    package enum LossReason: Sendable, Equatable {
        /// Discovery names `named` of `of` backends: so few that each would have several times its
        /// load.
        case few(named: Int, of: Int)
        /// The source names no backend any more.
        case none
        /// Each named backend has this many times the requests in flight that it had before.
        case load(times: Int)
    }

    /// The phase that a backend came into; nil for an event that changed none.
    package var newPhase: BackendState.Phase? {
        if case .phase(from: _, to: let to, _) = self { to } else { nil }
    }

    /// What a source says about a backend's share of the traffic.
    package struct Share: Sendable, Equatable, CustomStringConvertible {
        /// The RFC 2782 priority.
        package let priority: UInt16
        /// The RFC 2782 weight.
        package let weight: UInt16

        /// `priority 1, weight 10`.
        package var description: String { "priority \(priority), weight \(weight)" }
    }

    /// Which of a service's sources an entry is about.
    package struct SourceTitle: Sendable, Equatable, CustomStringConvertible {
        /// Counted from 1.
        package let number: Int
        /// How many the service has.
        package let of: Int

        /// `discovery`, or `discovery by source 2 of 3`.
        package var description: String {
            of == 1 ? "discovery" : "discovery by \(place)"
        }

        /// `source 2 of 3`.
        package var place: String { "source \(number) of \(of)" }
    }

    /// A sentence without its full stop: `up to down: 3 checks failed in a row, the last: timed
    /// out`.
    package var description: String {
        switch self {
        case .phase(nil, let to, let cause): "\(to.rawValue): \(cause)"
        case .phase(let from?, let to, let cause): "\(from.rawValue) to \(to.rawValue): \(cause)"
        case .share(let from, let to): "\(from) to \(to)"
        case .override(nil, let to?, let origin): "overridden by \(origin): \(to)"
        case .override(let from, nil, .store):
            "no longer overridden by an operator (\(from ?? BackendOverride()))"
        case .override(let from, nil, let origin):
            "override lifted by \(origin) (\(from ?? BackendOverride()))"
        case .override(let from?, let to?, let origin):
            "overridden by \(origin): \(from) to \(to)"
        case .note(let text): text
        case .checkOrdered(let origin): "a check was ordered by \(origin)"
        case .operatorDrainLimit:
            "drained for as long as a drain may take: what ran on it was ended"
        case .serviceAdded: "the service was added"
        case .serviceRemoved: "the service was removed"
        case .sourceChanged: "its sources were changed"
        case .optionsChanged: "its options were changed"
        case .sourceFailed(let title, let failure, nil): "\(title) fails: \(failure)"
        case .sourceFailed(let title, let failure, let hold?):
            "\(title) fails: \(failure); backends are held for \(hold.spoken)"
        case .sourceRecovered(let title, let count):
            "\(title) works again and names \(counted(count, "instance"))"
        case .sourceRecalled(let title, let count, let age):
            "\(counted(count, "instance")) that \(title) named \(age.spoken) ago, from the state "
                + "file"
        case .failedOver(let from, let to):
            "no backend of \(from.place) is up any more: those of \(to.place) get the requests"
        case .returning(let title, let wait):
            "a backend of \(title.place) is up again: it gets requests after \(wait.spoken) of that"
        case .failedBack(let title): "backends of \(title.place) get the requests again"
        case .holdEnded(let kind): "the hold for \(kind.rawValue) ended"
        case .massLoss(let lost, let count, let hold):
            "\(lost) of \(counted(count, "backend")) lost within seconds; those that pass their "
                + "checks wait behind those named for \(hold.spoken)"
        case .lostServe(let count, .few(let named, let all)):
            "the \(count) lost serve as well: \(named) named of \(all) would carry several times"
                + " their load"
        case .lostServe(let count, .none):
            "the \(count) lost serve as well: discovery names none any more"
        case .lostServe(let count, .load(let times)):
            "the \(count) lost serve as well: those named carry \(times) times what they did before"
        case .lostWait(let count):
            "the \(count) lost wait behind those named again: these are half of what there was"
        case .replacing(let old, let new):
            "\(counted(old, "backend")) replaced in discovery by \(new) others: the old ones "
                + "serve until as many of these are up"
        case .replaced(let old, let new):
            "\(new) new backends are up in place of \(old) old ones, which drain"
        case .lostRecalled(let count):
            "\(counted(count, "backend")) that discovery lost within seconds "
                + "\(count == 1 ? "is" : "are") back: no other is up"
        case .ejectionRefused(let reason):
            "live requests fail, and the backend stays: \(reason)"
        case .probationEnded(isProven: true): "its probation is over: a live answer was good"
        case .probationEnded(isProven: false): "its probation is over: nothing spoke against it"
        case .emergencyBegan(let mode): "no backend is up: \(mode)"
        case .emergencyRefuses: "live requests fail as well: \(Emergency.Mode.failingFast)"
        case .emergencyEnded(let time):
            "the emergency ended after \(time.spoken)"
        case .instancesRefused(let count, let limit):
            "\(counted(count, "instance")) refused: a service may have \(limit) backends"
        }
    }
}

/// The last entries of this process; every roster shares one. Control thread only.
package final class Journal {
    /// How many entries are kept.
    package let capacity: Int
    /// The number that the next entry gets: how many there have been.
    package private(set) var nextNumber: UInt64 = 0
    private var ring: [JournalEntry] = []

    /// - Precondition: `capacity` is at least 1.
    package init(capacity: Int = 1000) {
        precondition(capacity >= 1)
        self.capacity = capacity
    }

    /// The entries, the oldest first.
    /// - Complexity: O(capacity).
    package var entries: [JournalEntry] {
        guard ring.count == capacity else { return ring }
        let oldest = Int(nextNumber % UInt64(capacity))
        return Array(ring[oldest...] + ring[..<oldest])
    }

    /// Writes down what concerns the whole process, as a sentence without its full stop.
    package func write(note text: String, at now: ContinuousClock.Instant) {
        write(.note(text), service: .process, backend: nil, at: now)
    }

    /// The entries with this number and above, the oldest first; fewer if the ring has overwritten
    /// some.
    /// - Complexity: O(n) in those that are returned.
    package func entries(from number: UInt64) -> [JournalEntry] {
        let oldest = nextNumber - UInt64(ring.count)
        guard number < nextNumber else { return [] }
        return (max(number, oldest)..<nextNumber).map { ring[Int($0 % UInt64(capacity))] }
    }

    func write(
        _ event: JournalEvent, service: ServiceID, backend: Backend?,
        at now: ContinuousClock.Instant
    ) {
        let entry = JournalEntry(
            number: nextNumber, at: now, service: service, backend: backend?.id,
            endpoint: backend?.endpoint, event: event)
        if ring.count < capacity {
            ring.append(entry)
        } else {
            ring[Int(nextNumber % UInt64(capacity))] = entry
        }
        nextNumber += 1
    }
}
