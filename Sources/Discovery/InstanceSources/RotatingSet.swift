// RotatingSet: the members that a server names which never names all of them. AWS Cloud Map answers
// with eight instances at random, over UDP and TCP alike; load balancing by DNS gives one address
// of many. No single answer is whole then, and to believe each would take working backends in and
// out all the time.
//
// | answers                                           | what is believed                              |
// |---------------------------------------------------|-----------------------------------------------|
// | each as whole as the last, as far as can be known | what the last one names                       |
// | rotating: of one size, in a row, and either three | what they named together, each until it was   |
// |  changes that replace half or more, of which one  | missing from `patience` answers in a row      |
// |  brings back what was gone, or a member that has  |                                               |
// |  come back twice                                  |                                               |
// | of another size                                   | what this one names: it rotates no more       |
// | known to be a part (TC, and TCP can't be had)     | the same as while rotating                    |
// | … and of the same members six times in a row      | what they name: a server that picks three of  |
// |                                                   |  four does that once in a thousand times      |
//
// A deploy replaces members as well, but nothing comes back; a rollback brings all back at once,
// and once. Members that are really gone stay for a while; checks find out whether they work.

/// The members that a row of answers names. Value type; takes no clock, and counts answers.
package struct RotatingSet<Member: Hashable & Sendable>: Sendable {
    /// The most members that are remembered: as many as a service may have backends.
    private static var membersMax: Int { 4096 }
    /// A member is believed for at least so many answers that don't name it …
    private static var patienceMin: Int { 10 }
    /// … and for at most so many.
    private static var patienceMax: Int { 250 }
    /// Changes further apart than this many answers are no row.
    private static var rowMax: Int { 10 }
    /// How often in a row a part that looks cut must name the same members to be believed whole.
    private static var samePartsMin: Int { 6 }
    /// How many changes make a row.
    private static var changesMin: Int { 3 }

    /// What is believed, in the order in which it came.
    package private(set) var members: [Member] = []
    /// Whether the answers are of the kind that is never whole.
    package private(set) var isRotating = false
    /// How many members the last answer named.
    package private(set) var answerCount = 0

    /// When each member of the row was named last, by the number of the answer.
    private var namedAt: [Member: Int] = [:]
    private var last: Set<Member> = []
    /// Whether those were named again since `namedAt` says; see `addAgain`.
    private var wasLastRepeated = false
    /// How many parts in a row named the same members as the last answer does.
    private var sameParts = 0
    /// Records of the last answer, which is what its server limits.
    private var size = 0
    private var number = 0
    private var changedAt = 0
    private var changes = 0
    private var largeChanges = 0
    private var returns: [Member: Int] = [:]

    /// There was no answer yet.
    package init() {}

    /// How many answers in a row may leave out a member before it is dropped: ten times as many as
    /// it takes for all to be named once, so that by chance less than one in 10,000 is.
    package var patience: Int {
        guard answerCount > 0 else { return Self.patienceMin }
        let rounds = (members.count + answerCount - 1) / answerCount
        return min(max(Self.patienceMin * rounds, Self.patienceMin), Self.patienceMax)
    }

    /// Takes an answer, and returns what is to be believed after it.
    /// - Parameters:
    ///   - named: The members that it names.
    ///   - size: How many records it has, those included that name no member.
    ///   - isPart: Whether it is known to be a part.
    /// - Complexity: O(n) in the members.
    package mutating func add(_ named: [Member], size: Int, isPart: Bool) -> [Member] {
        if wasLastRepeated {
            for member in last { namedAt[member] = number }
            wasLastRepeated = false
        }
        number += 1
        let now = Set(named)
        if !isPart { watch(now, size: size) }
        for member in now { namedAt[member] = number }
        sameParts = !isPart ? 0 : now == last ? sameParts + 1 : 1
        last = now
        self.size = size
        answerCount = now.count
        guard isRotating || isPart && sameParts < Self.samePartsMin else {
            members = named
            forget()
            return named
        }
        let known = isRotating ? Array(namedAt.keys) : members
        let others = members + Set(known).subtracting(members)
        let patience = patience
        members =
            named
            + others.filter { !now.contains($0) && number - namedAt[$0, default: 0] < patience }
            .prefix(max(0, Self.membersMax - named.count))
        forget()
        // All that was gathered is what one answer names: it names all there is.
        if isRotating, members.count == now.count { endRow() }
        return members
    }

    /// Takes an answer that repeats the last one, as `add` would: what is believed stays as it is.
    /// False when it must be passed to `add` after all, since `members` are more than it names.
    /// - Complexity: O(1).
    package mutating func addAgain() -> Bool {
        guard !isRotating, number > 0, size > 0, members.count == answerCount else { return false }
        number += 1
        wasLastRepeated = true
        if number - changedAt > Self.rowMax { endRow() }
        return true
    }

    /// Looks for what rotates.
    private mutating func watch(_ now: Set<Member>, size: Int) {
        if size != self.size || size == 0 {
            endRow()
            namedAt = [:]
            return
        }
        guard now != last else {
            if !isRotating, number - changedAt > Self.rowMax { endRow() }
            return
        }
        changedAt = number
        changes += 1
        let come = now.subtracting(last)
        largeChanges = come.count * 2 >= now.count ? largeChanges + 1 : 0
        for member in come where namedAt[member] != nil { returns[member, default: 0] += 1 }
        if largeChanges >= Self.changesMin, !returns.isEmpty { isRotating = true }
        if changes >= Self.changesMin, returns.values.contains(where: { $0 >= 2 }) {
            isRotating = true
        }
    }

    private mutating func endRow() {
        isRotating = false
        changes = 0
        largeChanges = 0
        returns = [:]
    }

    /// Forgets what was not named for long, and anything beyond the bound.
    private mutating func forget() {
        guard namedAt.count > members.count else { return }
        let isLate = number - Self.patienceMax
        namedAt = namedAt.filter { $0.value > isLate }
        if namedAt.count > 2 * Self.membersMax {
            namedAt = namedAt.filter { last.contains($0.key) }
        }
    }
}
