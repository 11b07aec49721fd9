// How a process that could not start ends: what is said, and with which exit code.

import ArgumentParser
import Configuration
import Control
import Machine

/// Calls `start`, which starts a process of this program and runs it to its end. Why it can't start
/// is logged, as `log.format` has it by then, and ends the program: with exit code 2 for a
/// configuration that is not valid, with 1 for everything else.
func runProcess(_ start: (inout StartLog) throws -> Void) throws {
    CrashTrace.install(title: "fairlead \(fairleadVersion)")
    var log = StartLog(environment: processEnvironment())
    do {
        try start(&log)
    } catch let errors as ConfigurationErrors {
        log.format = errors.logFormat
        log.refuse(errors)
        throw ExitCode(2)
    } catch let failure where failure is StartFailure || failure is PrivilegeFailure {
        log.fail("\(failure)")
        throw ExitCode(1)
    }
}
