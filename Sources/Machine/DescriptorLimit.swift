// DescriptorLimit: how many descriptors the process may have open (RLIMIT_NOFILE). The soft limit is often
// 1,024, which two descriptors a request are soon through; the hard one is what the operator allows.

internal import Glibc

/// Any thread.
package enum DescriptorLimit {
    /// Raises the soft limit to the hard one. Returns the limit that holds then; nil when the system
    /// does not say.
    @discardableResult
    package static func raise() -> UInt64? {
        var limit = rlimit()
        // The call fills `limit`.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return nil
        }
        guard limit.rlim_cur < limit.rlim_max else { return UInt64(limit.rlim_cur) }
        var raised = limit
        raised.rlim_cur = limit.rlim_max
        let isRaised =
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0
        return UInt64(isRaised ? raised.rlim_cur : limit.rlim_cur)
    }
}
