// HashKey: what a service hashes by, as the 64 bits that ConsistentHash works with.
//
// The key of the hash is in the source, since all processes have to send a client to the same
// backend without having talked to each other. So a client can find values that all belong to one
// backend (one in n does anyway). What it gains is little: a backend that has a quarter more
// requests in flight than the others is passed over, and the flood goes on to its neighbours on the
// ring.

package import Endpoints

/// Makes `PickRequest.key`.
package enum HashKey {
    private static let key = SipHash.Key(0x4661_6972_6C65_6164, 0x7269_6E67_2D6B_6579)

    /// The key for these bytes: a client's address, or the value of a header or cookie, or a path.
    /// The same in every process of every version.
    package static func of(_ bytes: Span<UInt8>) -> UInt64 {
        SipHash.of(bytes, key)
    }

    /// The key for a client's address, whatever its port.
    package static func of(_ address: IPAddress) -> UInt64 {
        EndpointHash.of(Endpoint(address, 0), key)
    }
}

/// Hashes of endpoints as numbers, which needs no text.
enum EndpointHash {
    /// The hash of `endpoint`, the same in every process of every version.
    static func of(_ endpoint: Endpoint, _ key: SipHash.Key) -> UInt64 {
        var hash = SipHash(key)
        switch endpoint.address {
        case .v4(let bits): hash.append(UInt64(bits))
        case .v6(let high, let low):
            hash.append(high)
            hash.append(low)
        }
        return hash.finish(UInt64(endpoint.port))
    }
}
