// ControlPlane+Memory: what a start or a reload needed, and serving does not, is not kept.

internal import Events
internal import Machine

extension ControlPlane {
    /// Releases it as soon as what is under way has had its time. Control thread only.
    func releaseMemorySoon() {
        let timer =
            memoryTimer
            ?? Timer(on: loop) { ProgramMemory.releaseCode() }
        memoryTimer = timer
        timer.schedule(after: .milliseconds(500))
    }
}
