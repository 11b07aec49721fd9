// MemoryRelease: releases memory that a start or a reload needed and serving does not.

internal import Events
internal import Machine

/// Gives memory back to the system. Control thread only.
final class MemoryRelease {
    /// Leaves time for what is under way.
    private static let delay = Duration.milliseconds(500)
    private let timer: Timer

    /// Releases nothing yet.
    init(on loop: EventLoop) {
        timer = Timer(on: loop) { ProgramMemory.releaseCode() }
    }

    /// Releases memory soon: call it when a start or a reload is done.
    func releaseSoon() { timer.schedule(after: Self.delay) }
}
