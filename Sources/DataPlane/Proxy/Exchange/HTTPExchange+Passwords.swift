// HTTPExchange+Passwords: who may come by a name and a password (RFC 7617). Mostly the credentials
// of a request are known (PasswordChecks), and it goes on, or gets its 401, at once. Else the
// exchange is `asking`, as when a service is asked (HTTPExchange+Auth.swift), until a thread has
// checked them.

internal import AccessLog
internal import Events
internal import HTTP1
internal import Passwords
internal import Routing
internal import Stats

extension HTTPExchange {
    /// Looks who the client of the request is whose head was parsed from `bytes`, and has been
    /// written for the backend.
    func beginPasswords(
        _ rule: RoutePasswords, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ pool: BackendPool
    ) {
        let checks = worker.passwords
        let known = checks.recognise(head, bytes, rule.users, at: request.startedAt)
        if worker.log != nil { checks.withName { text.keep(user: $0) } }
        switch known {
        case .right:
            pool.counters.add(.authAllowed)
            checks.withName { nameUser($0, rule) }
        case .wrong: request.isAsked = true
        case .unknown(let mark):
            request.isAsked = true
            held.check = checks.check(mark, rule.users)
        }
    }

    /// Waits for the check of the password; or answers, where there is nothing to check.
    func askForPassword(_ rule: RoutePasswords, _ client: ClientStream, _ pool: BackendPool) {
        guard let check = held.check else {
            refuse(rule, client, pool)
            return
        }
        guard worker.passwords.submit(check, for: self) else {
            held.check = nil
            giveUp(.passwordsUnchecked)
            return
        }
        request.phase = .asking
        request.hasAsked = true
        deadlineNanoseconds = min(
            worker.loop.nowNanoseconds &+ rule.timeout.wholeNanoseconds, request.endsBy)
    }

    /// The password of the user with this name was checked.
    func passwordChecked(_ verdict: PasswordVerdict, _ name: [UInt8]) {
        guard request.phase == .asking, let client, let pool, let rule = held.route?.passwords
        else { return }
        held.check = nil
        endAsking()
        switch verdict {
        case .right:
            pool.counters.add(.authAllowed)
            nameUser(name.span, rule)
            proceed(client, pool)
        case .wrong: refuse(rule, client, pool)
        case .unchecked: giveUp(.passwordsUnchecked)
        }
    }

    /// Nobody waits for the check any more, since the request is over.
    func leavePasswordCheck() {
        guard let check = held.check.take() else { return }
        worker.passwords.leave(check, self)
    }

    /// Tells the backend who the user is, in the head, which is written.
    private func nameUser(_ name: Span<UInt8>, _ rule: RoutePasswords) {
        let field = rule.userField
        guard !field.isEmpty else { return }
        requestHead.removeLast(2)
        requestHead.append(field.span)
        requestHead.append(name)
        requestHead.append(Self.endOfLineAndHead.span)
    }

    private static let endOfLineAndHead: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]

    /// Asks the client for a name and a password that are right.
    private func refuse(_ rule: RoutePasswords, _ client: ClientStream, _ pool: BackendPool) {
        let reply = LocalReply(challenge: rule.challenge, held.route?.responseEdits)
        giveUp(.authRefused, withPage(reply, client), client, pool)
    }
}
