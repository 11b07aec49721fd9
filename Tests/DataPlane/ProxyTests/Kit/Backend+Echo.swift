// A backend that grants a tunnel, for tests of what moves in it.

import TestSupport

extension Backend {
    /// A backend that answers the first request of each connection with `answer`, and then sends
    /// back what it gets, up to the other side's end.
    static func echoing(behind answer: String) throws -> Backend {
        try Backend { wire, backend in
            guard try backend.next(wire) != nil else { return }
            try wire.send(answer)
            try wire.echo()
        }
    }
}
