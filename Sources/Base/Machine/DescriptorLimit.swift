// DescriptorLimit: how many descriptors the process may have open (RLIMIT_NOFILE). The soft limit
// is often 1,024, which two descriptors a request are soon through; the hard one is what the
// operator allows.

internal import Glibc

/// Any thread.
package enum DescriptorLimit {
    /// Raises the soft limit to the hard one. Where the system does not let it, all stays as it
    /// was.
    package static func raise() {
        var limit = rlimit()
        // The call fills `limit`.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0,
            limit.rlim_cur < limit.rlim_max
        else { return }
        limit.rlim_cur = limit.rlim_max
        unsafe _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
