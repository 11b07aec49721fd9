// MemoryRelease: what a start or a reload needed, and serving does not, is not kept.

internal import Events
internal import Machine

/// Gives memory back to the system. Control thread only.
final class MemoryRelease {
    /// For what is under way to have had its time.
    private static let delay = Duration.milliseconds(500)
    private let timer: Timer

    /// Releases nothing yet.
    init(on loop: EventLoop) {
        timer = Timer(on: loop) { ProgramMemory.releaseCode() }
    }

    /// Releases it soon: call it when a start or a reload is done.
    func releaseSoon() { timer.schedule(after: Self.delay) }
}
