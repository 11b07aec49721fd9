// WireWriter: appends numbers and names to a message, and remembers where each name began, so that
// a later one can point to it (RFC 1035, section 4.1.4).

/// Appends to `output`; every index counts from where the message begins in it.
struct WireWriter {
    /// Offsets a pointer can express: 14 bits.
    private static let pointerTargetMax = 0x3fff

    private(set) var output: [UInt8]
    private let start: Int
    /// Where each name that was written begins, its parents included; keys are wire forms in lower
    /// case. At most 16,384 entries, as that is how far a pointer reaches.
    private var names: [ArraySlice<UInt8>: UInt16] = [:]

    init(output: [UInt8]) {
        self.output = output
        start = output.count
    }

    /// Octets of the message so far.
    var count: Int { output.count - start }

    mutating func uint8(_ value: UInt8) { output.append(value) }

    mutating func uint16(_ value: UInt16) {
        output.append(UInt8(value >> 8))
        output.append(UInt8(value & 0xff))
    }

    mutating func uint32(_ value: UInt32) {
        uint16(UInt16(value >> 16))
        uint16(UInt16(value & 0xffff))
    }

    mutating func uint64(_ value: UInt64) {
        uint32(UInt32(value >> 32))
        uint32(UInt32(value & 0xffff_ffff))
    }

    mutating func octets(_ octets: [UInt8]) { output.append(contentsOf: octets) }

    mutating func zeros(_ count: Int) {
        output.append(contentsOf: repeatElement(0, count: count))
    }

    /// Overwrites the number at `index`.
    mutating func set(_ index: Int, _ value: UInt16) {
        output[start + index] = UInt8(value >> 8)
        output[start + index + 1] = UInt8(value & 0xff)
    }

    /// Takes back what was written from `index` on. Names in it are forgotten too.
    mutating func cut(to index: Int) {
        output.removeSubrange((start + index)...)
        names = names.filter { $0.value < index }
    }

    /// Writes `name`, as a pointer from the first label on that was written before if `compressed`.
    /// An uncompressed name can be pointed to all the same: the rules are about the field that
    /// holds a pointer, not about the one that it leads to.
    mutating func name(_ name: DomainName, compressed: Bool) {
        let wire = name.wireOctets
        let folded = wire.map(DomainName.folded)
        var position = 0
        while wire[position] != 0 {
            let suffix = folded[position...]
            if let target = names[suffix] {
                if compressed {
                    uint16(0xc000 | target)
                    return
                }
            } else if count <= Self.pointerTargetMax {
                names[suffix] = UInt16(count)
            }
            let next = position + 1 + Int(wire[position])
            output.append(contentsOf: wire[position..<next])
            position = next
        }
        uint8(0)
    }
}
