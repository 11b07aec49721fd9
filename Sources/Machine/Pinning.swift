// Pinning: a thread on one processor for good, for those who have measured that it helps: caches stay
// warm, and the scheduler can't put two workers on one processor while another idles.

internal import CLinux

/// Where threads run.
package enum Pinning {
    /// Keeps the calling thread on the processor that is the `number`-th, from 0 and round again, of
    /// those that the process may use. False when the system does not let it.
    @discardableResult
    package static func pinCurrentThread(toProcessor number: Int) -> Bool {
        pin_thread(Int32(truncatingIfNeeded: number)) == 0
    }
}
