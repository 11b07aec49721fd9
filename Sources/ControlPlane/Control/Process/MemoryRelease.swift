// MemoryRelease: releases memory that a start, a reload or a crowd of clients needed and serving
// does not.

internal import Events
internal import Machine

/// Gives memory back to the system. Control thread only.
final class MemoryRelease {
    /// Leaves time for what is under way.
    private static let delay = Duration.milliseconds(500)
    private let timer: Timer
    private var crowd = CrowdWatch()

    /// Releases nothing yet.
    init(on loop: EventLoop) {
        timer = Timer(on: loop) { ProgramMemory.releaseCode() }
    }

    /// Releases memory soon: call it when a start or a reload is done.
    func releaseSoon() { timer.schedule(after: Self.delay) }

    /// Releases what clients needed when many of them are gone: call it every second.
    ///
    /// - Parameter open: client connections that there are.
    func look(open: Int) {
        if crowd.look(open: open) { FreeMemory.release() }
    }
}
