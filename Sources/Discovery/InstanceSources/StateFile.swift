// StateFile: the file in which answers outlive the process. It is written beside itself and
// renamed, on a thread of its own, so that it is always whole, and a slow disk holds up nobody. A
// file that can't be read or written is reported, and has no other consequence.

package import Backends
internal import Documents
package import Events
internal import Glibc
internal import Locking
internal import WallClock

/// Keeps good answers in a file. Control thread only.
package final class StateFile {
    /// Something to tell the operator.
    package enum Event: Equatable, Sendable {
        /// What it says can't be used, as a clause; nothing is remembered.
        case unreadable(String)
        /// The file can't be written, and why as a clause; said once for each run of failures.
        case unwritable(String)
        /// The file is written again.
        case written
    }

    private let path: String
    private var memory: AnswerMemory
    private let report: (Event) -> Void
    private var timer: Timer?
    private var hasNews = false
    private var changesWritten = 0
    private var roundsSinceWritten = 0
    private var isUnwritable = false
    private let outcome = Locked<WriteOutcome>(.none)

    private enum WriteOutcome { case none, underWay, written, failed(String) }

    /// How often to check whether there is something to write …
    private static let interval = Duration.seconds(5)
    /// … and after how many such times answers are written that differ in their age alone.
    private static let roundsUntilOld = 12

    /// Remembers what the file at `path` says; it need not be there yet. Blocks. `note` is called
    /// with what goes wrong.
    package init(path: String, on loop: EventLoop, report: @escaping (Event) -> Void) {
        self.path = path
        self.report = report
        memory = AnswerMemory()
        do throws(FileTextError) {
            let text = try NamedText.read(path: path, bytesMax: Self.bytesMax)
            memory = try Self.parse(text)
        } catch {
            // A missing file is no failure.
            if unsafe access(path, F_OK) == 0 { report(.unreadable(error.text)) }
        }
        timer = Timer(on: loop) { [unowned self] in look() }
        timer?.schedule(after: Self.interval)
    }

    /// 10,000 instances take about 1 MiB.
    private static let bytesMax = 64 << 20

    private static func parse(_ text: NamedText) throws(FileTextError) -> AnswerMemory {
        do throws(AnswerMemory.Malformed) {
            return try AnswerMemory(json: Array(text.text.utf8))
        } catch {
            throw FileTextError(text: error.description)
        }
    }

    // MARK: - Answers

    /// The last good answer of this source, and how old it is; nil for none.
    package func recall(_ key: AnswerMemory.Key) -> (instances: [Instance], age: Duration)? {
        guard let answer = memory[key] else { return nil }
        // A clock that was set back makes nothing younger than new.
        return (answer.instances, .seconds(max(UTCTime.now.secondsSince1970 - answer.at, 0)))
    }

    /// Remembers a good answer of this source.
    package func remember(_ instances: [Instance], of key: AnswerMemory.Key) {
        memory.remember(instances, of: key, at: UTCTime.now.secondsSince1970)
        hasNews = true
    }

    /// Forgets sources that `isWanted` does not want: services that are gone.
    package func forget(unless isWanted: (AnswerMemory.Key) -> Bool) {
        memory.forget(unless: isWanted)
    }

    /// What deploys have put in the place of configured lists, by service. A change is written at
    /// once: after it the old instances may be stopped.
    package var deployed: [String: DeployedSet] {
        get { memory.deployed }
        set {
            guard newValue != memory.deployed else { return }
            memory.deployed = newValue
            look()
        }
    }

    // MARK: - Writing

    private func look() {
        timer?.schedule(after: Self.interval)
        guard settle() else { return }
        roundsSinceWritten += 1
        let isOld = hasNews && roundsSinceWritten >= Self.roundsUntilOld
        guard memory.changes != changesWritten || isOld || isUnwritable else { return }
        changesWritten = memory.changes
        roundsSinceWritten = 0
        hasNews = false
        let (memory, path, outcome) = (memory, path, outcome)
        outcome.withLock { $0 = .underWay }
        do throws(Errno) {
            try LoopThread(name: "state") {
                let failure = WholeFile.write(memory.json, to: path)
                outcome.withLock { $0 = failure.map { .failed($0) } ?? .written }
            }.detach()
        } catch {
            outcome.withLock { $0 = .failed("\(error)") }
        }
    }

    /// Reports how the last write ended; false while it is under way.
    private func settle() -> Bool {
        let last = outcome.withLock { last in
            defer { if case .underWay = last {} else { last = .none } }
            return last
        }
        switch last {
        case .underWay: return false
        case .none: break
        case .written:
            if isUnwritable { report(.written) }
            isUnwritable = false
        case .failed(let why):
            if !isUnwritable { report(.unwritable(why)) }
            isUnwritable = true
        }
        return true
    }

    /// Writes what has changed since the last time, at the end of the process. Blocks.
    package func close() {
        timer?.cancel()
        guard hasNews || memory.changes != changesWritten else { return }
        if let why = WholeFile.write(memory.json, to: path) { report(.unwritable(why)) }
    }
}
