// The version of the program.

/// Raised with each release, shown by `--version` and on the admin port.
package let fairleadVersion = "0.1.0"
