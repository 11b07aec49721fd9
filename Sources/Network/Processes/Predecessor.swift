// Predecessor: the process that this one takes over from, as `Successor` has started it: its
// listening sockets, and the way to tell it that it can go.

internal import Events

/// The process that this one takes over from. Control thread only.
package struct Predecessor {
    /// What it listened on.
    package var sockets: InheritedSockets
    /// What it passes on that no file and no variable may have; empty for nothing.
    package let secrets: [UInt8]
    private let ready: Descriptor

    /// Bytes that `secrets` have at most.
    package static let secretsBytesMax = 4096

    /// The variable in which `Successor` says what it has passed on: the number of the descriptor
    /// on which to report, a colon, and those of the sockets with commas between.
    static let variable = "FAIRLEAD_TAKES_OVER"

    /// The process that started this one to take over, if one did. Takes the variable out of
    /// `environment`.
    ///
    /// - Throws: for a variable or descriptors that make no sense, as when an operator sets it.
    package static func take(
        from environment: inout [String: String]
    ) throws(InheritanceFailure) -> Predecessor? {
        guard let text = environment.removeValue(forKey: variable) else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let numbers = parts.last?.split(separator: ",").map { Int32($0) } ?? []
        guard parts.count == 2, let ready = Int32(parts[0]), !numbers.contains(nil) else {
            throw InheritanceFailure(
                description: "found \(variable)=\(text), expected it to be unset: it is for one "
                    + "Fairlead to start another with")
        }
        let sockets = try InheritedSockets(numbers.compactMap(\.self))
        do throws(Errno) {
            let ready = try Socket.adopt(ready)
            return Predecessor(
                sockets: sockets, secrets: readSecrets(from: ready), ready: ready)
        } catch {
            throw InheritanceFailure(
                description: "was given descriptor \(ready) to report on, which can't be used: "
                    + "\(error)")
        }
    }

    /// Reads what the other process sent before it started this one.
    private static func readSecrets(from ready: Descriptor) -> [UInt8] {
        let buffer = ReceiveBuffer(capacity: secretsBytesMax)
        // An older version sends none, and nothing else comes this way.
        guard case .bytes(let count) = ready.receive(into: buffer) else { return [] }
        return buffer.withBytes(count) { bytes in bytes.indices.map { bytes[$0] } }
    }

    /// Says that this process serves: the other one stops accepting.
    package func reportReady() {
        // If it is gone, nobody is left to be told.
        _ = ready.send([1].span)
        ready.close()
    }
}
