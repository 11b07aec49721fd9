// What an engine says: the stream of events does not depend on where it is cut, what is accepted
// keeps to its bounds, and no order of events and answers brings an inventory out of step.

internal import Containers
internal import DockerAPI
internal import Endpoints

/// One input as the stream of events, and as each document that an engine answers with.
@Sendable func fuzzDocker(_ input: Span<UInt8>) {
    let bytes = input.copy(0..<input.count)
    let cut = Int((input.digest >> 8) % UInt64(input.count + 1))
    let lines = Fuzzers.lines([bytes])
    require(
        lines == Fuzzers.lines([Array(bytes[..<cut]), Array(bytes[cut...])]),
        "other lines in pieces")

    var inventory = ContainerInventory()
    var now = ContinuousClock.now
    for line in lines ?? [] {
        if let event = (try? EngineEvent(line: line)) ?? nil {
            require(ContainerID.isValid(event.container), "an event of \(event.container)")
            _ = inventory.apply(event, now: now)
        } else if let details = try? ContainerDetails(line) {
            answer(&inventory, with: details)
        } else if let list = try? ContainerList(line) {
            for container in list.containers { requireGood(container) }
            answer(&inventory, with: list)
        } else {
            now += .seconds(11)
            _ = inventory.advance(to: now)
        }
        requireGood(inventory, now)
    }
    _ = try? EngineNetworks.drivers(bytes)
    if let version = try? EngineVersion(bytes), let common = version.common {
        require(common >= .oldest && common <= .newest, "version \(common)")
    }
}

extension Fuzzers {
    /// The lines of a stream that comes in pieces; nil for one that can't be followed.
    fileprivate static func lines(_ pieces: [[UInt8]]) -> [[UInt8]]? {
        var lines = EventLines()
        return try? pieces.reduce(into: []) { $0 += try lines.append($1) }
    }
}

/// Answers the next question about containers with `details`, whoever was asked for.
private func answer(_ inventory: inout ContainerInventory, with details: ContainerDetails) {
    requireGood(details.summary)
    let bytes = details.environment.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    require(bytes <= ContainerDetails.variableBytesMax, "\(bytes) bytes of variables")
    require(details.stopTimeout >= .zero && details.stopTimeout <= .seconds(3600), "a stop timeout")
    guard let ticket = inventory.nextQuestion() else { return }
    switch ticket.question {
    case .list: _ = inventory.apply(ContainerList([details.summary]), to: ticket)
    case .container(details.summary.id): _ = inventory.apply(details, to: ticket)
    case .container: _ = inventory.applyUnreadable(ticket)
    }
}

/// Answers the next question with a list, if it is one for that.
private func answer(_ inventory: inout ContainerInventory, with list: ContainerList) {
    inventory.refresh()
    if let ticket = inventory.nextQuestion() { _ = inventory.apply(list, to: ticket) }
}

private func requireGood(_ container: ContainerSummary) {
    require(ContainerID.isValid(container.id), "the id \(container.id)")
    require(container.name.count <= 255 && container.image.count <= 255, "a long name")
    require(container.ports.allSatisfy { $0.inside > 0 }, "port 0")
    require(container.ports.allSatisfy { $0.published?.port != 0 }, "published at port 0")
    requireGood(ContainerWishes(labels: container.labels))
}

private func requireGood(_ inventory: ContainerInventory, _ now: ContinuousClock.Instant) {
    var inventory = inventory
    for (id, container) in inventory.containers {
        require(id == container.summary.id, "\(id) is \(container.summary.id)")
        require(container.serviceNames.count == container.wishes.offers.count, "names of offers")
        _ = container.availability
    }
    let stops = inventory.containers.values.compactMap { $0.stop?.until }
    require(inventory.nextDeadline == stops.min(), "another deadline than the first stop's")
    let isUnread = inventory.containers.values.contains {
        $0.summary.state.isAlive && $0.details == nil
    }
    require(inventory.hasUnread == isUnread, "another word of what is unread")
    _ = inventory.takeChanges()
    require(inventory.takeChanges().ids.isEmpty, "changes that are told twice")
}

/// Labels and variables, `NAME=VALUE` a line; the half of them that comes last is the environment.
@Sendable func fuzzLabels(_ input: Span<UInt8>) {
    let text = String(decoding: input.copy(0..<input.count), as: UTF8.self)
    var pairs: [(String, String)] = []
    for line in text.split(separator: "\n") {
        let pair = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if pair.count == 2 { pairs.append((String(pair[0]), String(pair[1]))) }
    }
    let half = pairs.count / 2
    let labels = Dictionary(pairs[half...], uniquingKeysWith: { $1 })
    let environment = Dictionary(pairs[..<half], uniquingKeysWith: { $1 })
    requireGood(ContainerWishes(labels: labels, environment: environment, ports: [80, 8080]))
    requireGood(ContainerWishes(labels: Dictionary(pairs, uniquingKeysWith: { $1 })))
    // A rule that is accepted has a route, and one that is refused a reason.
    let rule = ContainerWishes(labels: ["traefik.http.routers.a.rule": text])
    require(
        rule.offers.contains { !$0.routes.isEmpty } != !rule.problems.isEmpty,
        "neither routes nor a reason, or both")
}

private func requireGood(_ wishes: ContainerWishes) {
    require(!wishes.offers.isEmpty, "no offer")
    require(wishes.problems.count <= 20, "\(wishes.problems.count) problems")
    require(wishes.problems.allSatisfy { !$0.isEmpty && $0.count <= 300 }, "a long problem")
    for offer in wishes.offers {
        require(offer.port != 0, "port 0")
        require(offer.priority <= ContainerOffer.priorityMax, "priority \(offer.priority)")
        require(offer.routes.count <= 100, "\(offer.routes.count) routes")
    }
    require(Set(wishes.offers.map(\.name)).count == wishes.offers.count, "two offers of a name")
}
