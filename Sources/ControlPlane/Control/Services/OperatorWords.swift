// OperatorWords: what the admin port was told about backends of one service. It goes before what
// the configuration and the K/V store say, word by word, and lasts until it is taken back, the
// backend leaves the roster, or the process ends: nobody wrote it down, so that a container which
// gets the address later must not inherit it.

internal import Backends
internal import Endpoints

/// The admin port's words, by backend. Value type, control thread.
struct OperatorWords {
    private struct Word {
        let endpoint: Endpoint
        var weight: UInt16?
        /// Nil leaves it to the others; false goes before their drain.
        var isDrained: Bool?
        var isCutOff = false

        var isEmpty: Bool { weight == nil && isDrained == nil }
    }

    private var words: [BackendID: Word] = [:]

    /// Takes a word about `backend`; what is `written` elsewhere tells whether `enable` has
    /// anything to go before.
    mutating func take(
        _ change: OperatorWord, about backend: Backend, written: BackendOverride?
    ) {
        var word = words[backend.id] ?? Word(endpoint: backend.endpoint)
        switch change {
        case .drain:
            word.isDrained = true
            word.isCutOff = false
        case .disable:
            word.isDrained = true
            word.isCutOff = true
        case .enable:
            word.isDrained = written?.isDrained == true ? false : nil
            word.isCutOff = false
        case .weight(let weight): word.weight = weight
        }
        words[backend.id] = word.isEmpty ? nil : word
    }

    /// Forgets what was said of backends that are gone. Returns whether there was any.
    mutating func keepOnly(_ isThere: (BackendID) -> Bool) -> Bool {
        let before = words.count
        words = words.filter { isThere($0.key) }
        return words.count != before
    }

    /// What holds, given what is `written` elsewhere. An `enable` lasts as long as the drain that
    /// it goes before.
    mutating func merged(with written: BackendOverrides) -> BackendOverrides {
        var all = written
        for (id, word) in words {
            var override = all[word.endpoint] ?? BackendOverride()
            if word.isDrained == false, !override.isDrained { words[id]?.isDrained = nil }
            if words[id]?.isEmpty == true { words[id] = nil }
            override.weight = word.weight ?? override.weight
            override.isDrained = word.isDrained ?? override.isDrained
            override.isCutOff = word.isCutOff
            all[word.endpoint] = override
        }
        return all
    }
}

/// What can be said of a backend that lasts.
enum OperatorWord {
    case drain, disable, enable
    case weight(UInt16?)
}
