// DockerWatch: follows one engine. It opens the stream of events first and asks for the list then,
// so that nothing falls between the two; what to ask next is ContainerInventory's to say.
//
// | what happens                        | what follows                                           |
// |-------------------------------------|--------------------------------------------------------|
// | start                               | /version, then the stream, then /networks and the list |
// | an event that takes traffic away    | listeners are told at once                             |
// | any event that may change something | the container, 20 ms later and once for all its events |
// | the stream ends                     | all of it again: at once, and if that fails after      |
// |                                     |  0.1 s * 2^n, at most 0.8 s, half to all at random     |
// | the name has several addresses      | one after another, until one answers                   |
// | the name has another address        | all of it again, there                                 |
// | a question fails on its way         | the same                                               |
// | nothing for 60 s                    | the whole list, in case an event was lost              |
//
// A stream that is cut is no failure as long as the next one opens: listeners hear of it only if
// that fails.

package import Backends
package import Containers
package import DockerAPI
package import Endpoints
package import Events
internal import HTTPClient
internal import JSON
package import TLS

/// How an engine is followed. Any thread.
package struct DockerOptions: Sendable, Equatable {
    /// Where the engine listens, as it is written.
    package var place: TargetPlace
    /// How it is asked by TLS, over TCP; nil: without. A client was made with it before. Without a
    /// name the engine's certificate is for its address.
    package var tls: TLSClientOptions?
    /// How long it may take to answer. More than zero.
    package var answerTimeout = Duration.seconds(10)
    /// How often the whole list is asked for, though nothing seems to be missing.
    package var refresh = Duration.seconds(60)
    /// The id of the container that this process is in; nil for none.
    package var ownContainer: String?

    /// An engine at `place`, and the defaults.
    package init(_ place: TargetPlace) {
        self.place = place
    }
}

/// Follows an engine. Loop thread only.
package final class DockerWatch {
    /// Of which containers something else is known than a listener was told last.
    package enum Changes: Sendable, Equatable {
        /// Of any, or of what all depend on: of the engine, its networks or our own container.
        case all
        /// Of these.
        case containers(ContainerInventory.Changes)
    }

    /// Questions that are under way at a time.
    private static let questionsMax = 4
    /// How long events are gathered before they make a question.
    static let gathering = Duration.milliseconds(20)
    private static let failureWaitMin = Duration.milliseconds(100)
    /// Short, since who waits for an engine waits for traffic: all is to be right within 1 s of its
    /// return. An attempt at a socket where nobody listens costs next to nothing.
    private static let failureWaitMax = Duration.milliseconds(800)

    /// How the engine is followed.
    package private(set) var options: DockerOptions
    /// What is known of its containers.
    package private(set) var inventory = ContainerInventory()
    /// Why the engine can't be followed now; nil while it is, or was until a moment ago.
    package private(set) var failure: EngineFailure?
    /// Whether all containers of the engine were known once; of that at its name's present address.
    package private(set) var isKnown = false
    /// What the engine said of itself last; nil before it did.
    package private(set) var engine: EngineVersion?
    /// How often the stream of events was opened.
    package private(set) var streams: UInt64 = 0
    /// How many events were read, and how many were malformed.
    package private(set) var events: (read: UInt64, malformed: UInt64) = (0, 0)
    /// How many questions were answered.
    package private(set) var answers: UInt64 = 0
    /// How often the engine could not be followed, by what that means to a roster; a stream that is
    /// cut is among them.
    package private(set) var failures: [HoldKind: UInt64] = [:]
    /// Whether anybody follows it.
    package var isUsed: Bool { !listeners.isEmpty }

    /// Where the engine is: its socket or address, or the addresses that its name has. One after
    /// another is tried until one answers. Empty while that is not known.
    package private(set) var targets: [Target] = []
    /// Why `targets` is empty, a clause; nil for a name that was not looked up yet.
    private var missing: String?
    /// Counts the targets that were tried; the one at this place, round and round, is next.
    private var turn = 0

    private let client: EngineClient
    private unowned let loop: EventLoop
    private var listeners = WatchListeners()
    private var random = SystemRandomNumberGenerator()
    private var drivers: [String: String] = [:]
    /// Where we were when listeners were told last.
    private var toldVantage: Vantage?
    private var lines = EventLines()
    private var stream: HTTPClientExchange?
    private var isFollowing = false
    private var failuresInRow = 0
    /// What is asked beside the stream, by an arbitrary number.
    private var exchanges: [UInt64: HTTPClientExchange] = [:]
    private var lastExchange: UInt64 = 0
    private var questionsUnderWay = 0
    /// The number of the last event that is asked for.
    private var gathered: UInt64 = 0
    private var connectTimer: Timer?
    private var questionTimer: Timer?
    private var refreshTimer: Timer?
    private var deadlineTimer: Timer?

    /// A watch of an engine; nothing is asked before somebody listens.
    package init(_ options: DockerOptions, on loop: EventLoop) {
        precondition(options.answerTimeout > .zero && options.refresh > .zero)
        self.options = options
        self.loop = loop
        if case .target(let target) = options.place { targets = [target] }
        client = EngineClient(timeout: options.answerTimeout, options.tls, on: loop)
        connectTimer = Timer(on: loop) { [unowned self] in connect() }
        questionTimer = Timer(on: loop) { [unowned self] in askForAll() }
        refreshTimer = Timer(on: loop) { [unowned self] in
            inventory.refresh()
            findNetworks()
            askForAll()
            refreshTimer?.schedule(after: self.options.refresh)
        }
        deadlineTimer = Timer(on: loop) { [unowned self] in
            if inventory.advance(to: .now) { tell() }
            askForAll()
        }
    }

    deinit { drop() }

    // MARK: - Listening

    /// Calls `onChange` whenever something else is known, until `remove(_:)`; at once, before this
    /// returns, when something is known already. The first listener makes it begin.
    package func add(_ listener: AnyObject, onChange: @escaping (Changes) -> Void) {
        let isFirst = listeners.isEmpty
        listeners.add(listener, onChange: onChange)
        if isFirst { connectTimer?.schedule(after: .zero) }
        if isKnown || failure != nil { onChange(.all) }
    }

    /// From now on a listener hears nothing of other containers than `ids`, unless they may be of
    /// other services than before.
    package func narrow(_ listener: AnyObject, to ids: Set<String>) {
        listeners.narrow(listener, to: ids)
    }

    /// Tells it nothing more. Without any listener the engine is left alone.
    package func remove(_ listener: AnyObject) {
        listeners.remove(listener)
        guard listeners.isEmpty else { return }
        drop()
        inventory.gap()
        connectTimer?.cancel()
    }

    /// Tells the listeners what is known, unless it is still only a part.
    private func tell(all isAll: Bool = false) {
        armDeadline()
        let wasKnown = isKnown && failure == nil
        // All of the first list is read before anybody acts by it: nobody is taken for gone only
        // since its environment is not known yet.
        if inventory.isWhole, !inventory.hasUnread {
            isKnown = true
            failure = nil
        }
        guard isKnown, failure == nil else { return }
        let changes = inventory.takeChanges()
        let vantage = vantage
        let isMoved = vantage != toldVantage
        toldVantage = vantage
        tell(!wasKnown || isAll || isMoved ? .all : .containers(changes))
    }

    private func tell(_ changes: Changes) {
        for listener in listeners.concerned(by: changes) { listeners[listener]?(changes) }
    }

    /// What places of containers depend on besides themselves.
    package func surroundings(prefersV6: Bool) -> ContainerPlace.Surroundings {
        .init(vantage, drivers: drivers, prefersV6: prefersV6)
    }

    /// Where this process runs, as far as that shows.
    package var vantage: Vantage {
        Self.vantage(
            of: target, own: options.ownContainer.flatMap { inventory.containers[$0]?.summary })
    }

    /// An engine that has our `own` container is ours, whatever its address: a proxy may be before
    /// its socket. Another one is where it is asked.
    static func vantage(of target: Target?, own: ContainerSummary?) -> Vantage {
        if let own {
            return own.isOnHostNetwork
                ? .host : .container(networks: Set(own.networks.map(\.name)))
        }
        if case .endpoint(let endpoint)? = target, !endpoint.address.isLoopback {
            return .remote(endpoint.address)
        }
        return .host
    }

    // MARK: - Connecting

    /// The target that is asked, or will be next; nil while it is not known where the engine is.
    package var target: Target? { targets.isEmpty ? nil : targets[turn % targets.count] }

    /// Asks at `targets` from now on, where the engine's name was found. An engine that is followed
    /// at one of them goes on being followed there; what is known stays until the next one answers.
    /// `missing`: why there are none, a clause.
    package func setTargets(_ targets: [Target], missing: String?) {
        self.missing = missing
        guard targets != self.targets else { return }
        let old = target
        self.targets = targets
        turn = old.flatMap { targets.firstIndex(of: $0) } ?? 0
        guard isUsed, old != target else { return }
        drop()
        inventory.gap()
        failuresInRow = 0
        // It may be another engine: nothing is gone until all of what it runs is read.
        isKnown = false
        connectTimer?.schedule(after: .zero)
    }

    /// Makes new connections by `tls` from now on, with which a client was made before. The stream
    /// goes on as it is.
    package func setTLS(_ tls: TLSClientOptions) {
        guard tls != options.tls else { return }
        options.tls = tls
        client.setTLS(tls)
    }

    private func connect() {
        drop()
        inventory.gap()
        client.version = nil
        guard let target else {
            return fail(.noAddress(missing ?? "it was not looked up yet"))
        }
        client.target = target
        get("/version", EngineVersion.bytesMax) { [unowned self] answer in
            switch read(answer, { (bytes) throws(JSON.Malformed) in try EngineVersion(bytes) }) {
            case .failure(let failure): fail(failure)
            case .success(let engine):
                self.engine = engine
                guard let version = engine.common else {
                    return fail(.version(newest: engine.newest, oldest: engine.oldest))
                }
                client.version = version
                follow()
            }
        }
    }

    private func follow() {
        lines = EventLines()
        stream = client.stream("/events?\(EngineEvent.query)") { [unowned self] in
            streams += 1
            isFollowing = true
            refreshTimer?.schedule(after: options.refresh)
            findNetworks()
            askForAll()
        } onBytes: { [unowned self] bytes in
            take(bytes)
        } onEnd: { [unowned self] failure in
            stream = nil
            fail(failure)
        }
    }

    /// Begins again, after a while. What is known stays.
    private func fail(_ reason: EngineFailure) {
        let failure = reason.at(options.place, target)
        failures[failure.discoveryFailure.kind, default: 0] += 1
        let wasFollowing = isFollowing && inventory.isWhole
        drop()
        inventory.gap()
        // A cut alone is no news: it is when nothing follows it.
        if wasFollowing {
            failuresInRow = 0
            connectTimer?.schedule(after: Self.gathering)
            return
        }
        // Another address of its name may answer; all of them are tried before anybody is told.
        turn += 1
        if targets.count > 1 { isKnown = false }
        let rounds = failuresInRow / max(targets.count, 1)
        failuresInRow += 1
        guard failuresInRow % max(targets.count, 1) == 0 else {
            connectTimer?.schedule(after: .zero)
            return
        }
        let wait = min(Self.failureWaitMin * (1 << min(rounds, 8)), Self.failureWaitMax)
        connectTimer?.schedule(after: wait * Int.random(in: 50...100, using: &random) / 100)
        guard self.failure != failure else { return }
        self.failure = failure
        tell(.all)
    }

    private func drop() {
        isFollowing = false
        stream?.cancel()
        stream = nil
        for exchange in exchanges.values { exchange.cancel() }
        exchanges = [:]
        questionsUnderWay = 0
        questionTimer?.cancel()
        refreshTimer?.cancel()
    }

    // MARK: - Events

    private func take(_ bytes: [UInt8]) {
        let complete: [[UInt8]]
        do throws(EventLines.Failure) {
            complete = try lines.append(bytes)
        } catch {
            return fail(.malformed("\(error)"))
        }
        var isChanged = false
        for line in complete {
            do throws(JSON.Malformed) {
                guard let event = try EngineEvent(line: line) else { continue }
                events.read += 1
                if apply(event) { isChanged = true }
            } catch {
                // What it said is not known, so all of it may be different.
                events.malformed += 1
                inventory.refresh()
            }
        }
        if isChanged { tell() } else { armDeadline() }
        gather()
    }

    /// Takes an event; whether listeners are to be told at once: traffic is to leave. What else it
    /// says they are told with the answer to the question that it makes.
    private func apply(_ event: EngineEvent) -> Bool {
        let wasServing = inventory.containers[event.container]?.isServing == true
        guard inventory.apply(event, now: .now) else { return false }
        return wasServing != (inventory.containers[event.container]?.isServing == true)
            || event.action == .destroy
    }

    /// Has what is to be asked gathered for a while.
    private func gather() {
        if isFollowing, inventory.hasQuestion, questionTimer?.isScheduled == false {
            questionTimer?.schedule(after: Self.gathering)
        }
    }

    private func armDeadline() {
        if let deadline = inventory.nextDeadline {
            deadlineTimer?.schedule(after: deadline - .now)
        } else {
            deadlineTimer?.cancel()
        }
    }

    // MARK: - Questions

    /// Asks for all that has happened so far.
    private func askForAll() {
        gathered = inventory.eventCount
        ask()
    }

    /// Asks for what has been gathered. What happened after that is gathered in its turn: a busy
    /// container is not asked for at each of its events.
    private func ask() {
        guard isFollowing else { return }
        while questionsUnderWay < Self.questionsMax,
            let ticket = inventory.nextQuestion(upTo: gathered)
        {
            switch ticket.question {
            case .list: askList(ticket)
            case .container(let id): askContainer(id, ticket)
            }
        }
        if questionsUnderWay < Self.questionsMax { gather() }
    }

    private func askList(_ ticket: ContainerInventory.Ticket) {
        questionsUnderWay += 1
        get("/containers/json?\(ContainerList.query)", ContainerList.bytesMax) {
            [unowned self] answer in
            questionsUnderWay -= 1
            switch read(answer, { (bytes) throws(JSON.Malformed) in try ContainerList(bytes) }) {
            case .failure(let failure):
                inventory.failed(ticket)
                fail(failure)
            case .success(let list):
                let wasWhole = inventory.isWhole
                let isChanged = inventory.apply(list, to: ticket)
                failuresInRow = 0
                ask()
                if isChanged || !wasWhole { tell() }
            }
        }
    }

    private func askContainer(_ id: String, _ ticket: ContainerInventory.Ticket) {
        questionsUnderWay += 1
        get("/containers/\(id)/json", ContainerDetails.bytesMax) { [unowned self] answer in
            questionsUnderWay -= 1
            let isChanged: Bool
            switch read(answer, { (bytes) throws(JSON.Malformed) in try ContainerDetails(bytes) }) {
            case .success(let details): isChanged = inventory.apply(details, to: ticket)
            case .failure(.status(404, _)): isChanged = inventory.apply(nil, to: ticket)
            // One container that its engine can't speak of must not keep the others from serving.
            case .failure(.status), .failure(.malformed):
                isChanged = inventory.applyUnreadable(ticket)
            case .failure(let failure):
                inventory.failed(ticket)
                return fail(failure)
            }
            ask()
            if isChanged || !isKnown || failure != nil { tell() }
        }
    }

    private func findNetworks() {
        get("/networks", EngineNetworks.bytesMax) { [unowned self] answer in
            // A proxy before the socket may not let us ask: then all networks are bridges.
            guard case .success(let bytes) = answer,
                let found = try? EngineNetworks.drivers(bytes), found != drivers
            else { return }
            drivers = found
            tell(all: true)
        }
    }

    private func get(
        _ path: String, _ bytesMax: Int, _ completion: @escaping (EngineClient.Answer) -> Void
    ) {
        lastExchange += 1
        let number = lastExchange
        exchanges[number] = client.get(path, bytesMax: bytesMax) { [unowned self] answer in
            exchanges[number] = nil
            completion(answer)
        }
    }

    private func read<Value>(
        _ answer: EngineClient.Answer, _ parse: ([UInt8]) throws(JSON.Malformed) -> Value
    ) -> Result<Value, EngineFailure> {
        switch answer {
        case .failure(let failure): return .failure(failure)
        case .success(let bytes):
            do throws(JSON.Malformed) {
                let value = try parse(bytes)
                answers += 1
                return .success(value)
            } catch {
                return .failure(.malformed(String(error.reason.prefix(200))))
            }
        }
    }
}
