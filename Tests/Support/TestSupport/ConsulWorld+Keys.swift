// What the stand-in does with keys, sessions and transactions, as Consul does: check-and-set by the
// index of the last change, locks that belong to sessions, sessions that end when nobody renews
// them, and a delay before what such a one had locked can be locked again.

internal import FoundationEssentials
internal import HTTP1

/// A session.
struct StandInSession: Sendable {
    var name = ""
    /// Nil for one that needs no renewal.
    var life: Duration?
    var lockDelay = Duration.seconds(15)
    /// Whether the keys that it has locked are deleted when it ends, and not only unlocked.
    var deletes = false
    var expires: ContinuousClock.Instant?

    /// Counts from now. Consul waits for twice the time.
    mutating func renew() { expires = life.map { .now + $0 * 2 } }
}

extension ConsulWorld {
    // MARK: - Keys

    /// Bytes that a value may have (`kv_max_value_size`).
    private static let valueBytesMax = 512 * 1024

    /// Answers a request for `key`, or for all that begin with it.
    mutating func answerAboutKeys(
        _ key: String, _ request: ConsulStandInRequest
    ) -> ConsulStandInAnswer {
        switch request.method {
        case .put: return put(key, request)
        case .delete:
            guard mayWrite(key, request) else { return denial("key:write", key, request) }
            delete(key)
            return text(200, "true")
        default:
            guard request.value("recurse") == nil else { return list(key, request) }
            guard mayRead(key, request) else { return denial("key:read", key, request) }
            let index = index(ofPrefix: key)
            guard let pair = pairs[key] else {
                return ConsulStandInAnswer(status: 404, index: index)
            }
            return document([PairDocument(key, pair)], index: pair.modifyIndex)
        }
    }

    private func list(_ prefix: String, _ request: ConsulStandInRequest) -> ConsulStandInAnswer {
        let all = pairs.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }
        let found = all.filter { mayRead($0.key, request) }
        let index = index(ofPrefix: prefix)
        var answer = ConsulStandInAnswer(status: 404, index: index)
        if !found.isEmpty {
            answer = document(found.map { PairDocument($0.key, $0.value) }, index: index)
        }
        answer.isFiltered = found.count < all.count
        return answer
    }

    private mutating func put(
        _ key: String, _ request: ConsulStandInRequest
    ) -> ConsulStandInAnswer {
        guard request.body.count <= Self.valueBytesMax else {
            return text(413, "Request body(\(request.body.count) bytes) too large")
        }
        guard ["cas", "acquire", "release"].count(where: { request.value($0) != nil }) < 2 else {
            return text(400, "Conflicting flags")
        }
        guard mayWrite(key, request) else { return denial("key:write", key, request) }
        let flags = request.value("flags").flatMap { UInt64($0) } ?? 0
        if let cas = request.value("cas").flatMap({ UInt64($0) }) {
            guard cas == pairs[key]?.modifyIndex ?? 0 else { return text(200, "false") }
        }
        if let session = request.value("acquire") {
            guard sessions[session] != nil else {
                return text(500, "invalid session \"\(session)\"")
            }
            if let holder = pairs[key]?.session, holder != session { return text(200, "false") }
            if let until = lockDelays[key], until > .now { return text(200, "false") }
            let isNew = pairs[key]?.session == nil
            put(key, request.body, flags: flags)
            pairs[key]?.session = session
            if isNew { pairs[key]?.lockIndex += 1 }
            return text(200, "true")
        }
        if let session = request.value("release") {
            guard pairs[key]?.session == session else { return text(200, "false") }
            put(key, request.body, flags: flags)
            pairs[key]?.session = nil
            return text(200, "true")
        }
        put(key, request.body, flags: flags)
        return text(200, "true")
    }

    private func mayWrite(_ key: String, _ request: ConsulStandInRequest) -> Bool {
        guard tokens != nil else { return true }
        return grants(of: request.token)?.keyWrites.contains(where: key.hasPrefix) == true
    }

    private func mayRead(_ key: String, _ request: ConsulStandInRequest) -> Bool {
        guard tokens != nil, !mayWrite(key, request) else { return true }
        return grants(of: request.token)?.keyReads.contains(where: key.hasPrefix) == true
    }

    // MARK: - Sessions

    /// Answers what concerns sessions; nil for anything else.
    mutating func answerAboutSessions(_ request: ConsulStandInRequest) -> ConsulStandInAnswer? {
        func rest(_ prefix: String) -> String? {
            request.path.hasPrefix(prefix) ? String(request.path.dropFirst(prefix.count)) : nil
        }
        guard request.path.hasPrefix("/v1/session/") else { return nil }
        if tokens != nil, grants(of: request.token)?.makesSessions != true {
            return denial("session:write", "node-1", request)
        }
        if request.path == "/v1/session/create" { return createSession(request.body) }
        if let id = rest("/v1/session/destroy/") {
            end(session: id)
            return text(200, "true")
        }
        guard let id = rest("/v1/session/renew/"), sessions[id] != nil else {
            return text(404, "Session id '\(rest("/v1/session/renew/") ?? "")' not found")
        }
        sessions[id]?.renew()
        return document([["ID": id, "Name": sessions[id]?.name ?? ""]], index: nil)
    }

    private struct SessionDocument: Decodable {
        let Name: String?
        let TTL: String?
        let LockDelay: String?
        let Behavior: String?
    }

    private mutating func createSession(_ body: [UInt8]) -> ConsulStandInAnswer {
        guard let said = try? JSONDecoder().decode(SessionDocument.self, from: Data(body)) else {
            return text(400, "Request decode failed")
        }
        var session = StandInSession(name: said.Name ?? "")
        if let ttl = said.TTL {
            guard let life = Self.duration(ttl), life >= sessionLifeMin, life <= .seconds(86400)
            else { return text(500, "Invalid Session TTL '\(ttl)', must be between [10s=24h0m0s]") }
            session.life = life
        }
        if let delay = said.LockDelay.flatMap(Self.duration) { session.lockDelay = delay }
        session.deletes = said.Behavior == "delete"
        session.renew()
        _ = bump()
        let tail = String(index, radix: 16)
        let id = "5e551011-0000-4000-8000-" + String(repeating: "0", count: 12 - tail.count) + tail
        sessions[id] = session
        return document(["ID": id], index: nil)
    }

    /// Ends sessions that nobody has renewed; whether there were some.
    mutating func expireSessions(now: ContinuousClock.Instant) -> Bool {
        let ended = sessions.filter { $0.value.expires.map { $0 <= now } ?? false }
        for id in ended.keys { end(session: id) }
        return !ended.isEmpty
    }

    /// A session ends, as when its node fails.
    package mutating func end(session id: String) {
        guard let session = sessions.removeValue(forKey: id) else { return }
        for (key, pair) in pairs where pair.session == id {
            lockDelays[key] = .now + min(session.lockDelay, lockDelayMax)
            if session.deletes {
                delete(key)
            } else {
                pairs[key]?.session = nil
                let now = bump()
                pairs[key]?.modifyIndex = now
            }
        }
    }

    // MARK: - Transactions

    private struct Operation: Decodable {
        struct Change: Decodable {
            let Verb: String
            let Key: String
            let Value: String?
            let Flags: UInt64?
            let Index: UInt64?
            let Session: String?
        }
        let KV: Change
    }

    /// All of a list of changes, or none.
    mutating func transaction(_ request: ConsulStandInRequest) -> ConsulStandInAnswer {
        guard request.body.count <= Self.valueBytesMax else {
            return text(413, "Request body too large, max size: \(Self.valueBytesMax) bytes")
        }
        guard let changes = try? JSONDecoder().decode([Operation].self, from: Data(request.body))
        else { return text(400, "Failed to parse body") }
        guard changes.count <= 64 else {
            return text(413, "Transaction contains too many operations (\(changes.count) > 64)")
        }
        var after = self
        var errors: [FailureDocument] = []
        for (place, change) in changes.enumerated() {
            if let what = after.apply(change.KV, request) {
                errors.append(FailureDocument(OpIndex: place, What: what))
            }
        }
        guard errors.isEmpty else {
            var answer = document(["Errors": errors], index: nil)
            answer.status = 409
            return answer
        }
        self = after
        let written = changes.filter { $0.KV.Verb != "delete" }.compactMap { change in
            pairs[change.KV.Key].map { ResultDocument(KV: PairDocument(change.KV.Key, $0)) }
        }
        return document(["Results": written], index: nil)
    }

    /// Why a change can't be made; nil when it is.
    private mutating func apply(
        _ change: Operation.Change, _ request: ConsulStandInRequest
    ) -> String? {
        let key = change.Key
        let isWrite = change.Verb != "check-session"
        guard isWrite ? mayWrite(key, request) : mayRead(key, request) else {
            let answer = denial(isWrite ? "key:write" : "key:read", key, request)
            return String(decoding: answer.body, as: UTF8.self)
        }
        switch change.Verb {
        case "set":
            let value = Data(base64Encoded: change.Value ?? "") ?? Data()
            put(key, Array(value), flags: change.Flags ?? 0)
        case "delete": delete(key)
        case "check-session":
            guard let pair = pairs[key] else {
                return "failed session check for key \"\(key)\", key doesn't exist"
            }
            guard pair.session == change.Session else {
                return "failed session check for key \"\(key)\", current session "
                    + "\"\(pair.session ?? "")\" != \"\(change.Session ?? "")\""
            }
        default: return "unknown KV verb \"\(change.Verb)\""
        }
        return nil
    }
}

// MARK: - Consul's JSON; the names of the properties are its own

private struct FailureDocument: Encodable {
    let OpIndex: Int
    let What: String
}

private struct ResultDocument: Encodable {
    let KV: PairDocument
}

private struct PairDocument: Encodable {
    let LockIndex: UInt64
    let Key: String
    let Flags: UInt64
    let Value: String?
    let CreateIndex: UInt64
    let ModifyIndex: UInt64
    let Session: String?

    init(_ key: String, _ pair: ConsulWorld.Pair) {
        LockIndex = pair.lockIndex
        Key = key
        Flags = pair.flags
        Value = pair.value.isEmpty ? nil : Data(pair.value).base64EncodedString()
        CreateIndex = pair.createIndex
        ModifyIndex = pair.modifyIndex
        Session = pair.session
    }
}
