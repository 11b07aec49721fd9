// ConsulAgentServices: the services of the first agent, which are those that run beside it: listed,
// registered, removed, and told how they are. Each request is one, and repeated by nobody but the
// caller, since all of them do the same when they are done twice.

internal import ConsulQuery
internal import HTTP1
internal import JSON

/// Asks the first agent about its services, and changes them. Loop thread only.
package final class ConsulAgentServices {
    /// What a request came to. Any thread.
    package enum Outcome: Sendable, Equatable {
        case done
        /// The agent does not know the service or check that was named.
        case unknown
        case failed(ConsulFailure)
    }

    private let agents: ConsulAgents
    /// What is under way, by an arbitrary number.
    private var exchanges: [UInt64: ConsulExchange] = [:]
    private var lastExchange: UInt64 = 0

    /// The services of the first of `agents`.
    package init(_ agents: ConsulAgents) {
        self.agents = agents
    }

    deinit { cancel() }

    /// Drops what is under way: no completion is called any more.
    package func cancel() {
        for exchange in exchanges.values { exchange.cancel() }
        exchanges = [:]
    }

    /// Finds out what the agent holds, and calls `completion` once, from the loop.
    package func list(completion: @escaping (Result<AgentHoldings, ConsulFailure>) -> Void) {
        // Checks first: one whose service is not listed any more is of no interest, and a service
        // is never listed without the checks it had when it was registered.
        get("/v1/agent/checks") { [unowned self] checks in
            switch checks {
            case .failure(let failure): completion(.failure(failure))
            case .success(let checks):
                get("/v1/agent/services") { [unowned self] services in
                    completion(services.flatMap { self.read($0, checks) })
                }
            }
        }
    }

    private func read(
        _ services: ConsulAnswer, _ checks: ConsulAnswer
    ) -> Result<AgentHoldings, ConsulFailure> {
        // What the token may not see it may not write either, so nothing follows from what ACLs
        // filter.
        do throws(JSON.Malformed) {
            return .success(try AgentHoldings(services: services.body, checks: checks.body))
        } catch {
            return .failure(agents.recordMalformedJSON(error.reason, from: services.agent))
        }
    }

    private func get(
        _ target: String, completion: @escaping (Result<ConsulAnswer, ConsulFailure>) -> Void
    ) {
        send(ConsulRequest(target)) { outcome in
            switch outcome {
            // A server without this path is no agent.
            case .answer(let answer) where answer.status == 404:
                completion(.failure(.status(404, "")))
            case .answer(let answer): completion(.success(answer))
            case .failed(let failure): completion(.failure(failure))
            }
        }
    }

    /// Asks whether the agent holds a service of that id.
    package func find(_ id: String, completion: @escaping (Outcome) -> Void) {
        send(ConsulRequest("/v1/agent/service/\(PercentEncoding.encode(id))")) {
            completion(Outcome($0))
        }
    }

    /// Registers `service`, in place of one of its id. `replacesChecks`: whether checks that it had
    /// and has no more are removed, with those by which an operator keeps it in maintenance.
    package func register(
        _ service: AgentService, replacesChecks: Bool, completion: @escaping (Outcome) -> Void
    ) {
        let parameter = replacesChecks ? "?replace-existing-checks=true" : ""
        var request = ConsulRequest("/v1/agent/service/register\(parameter)")
        request.method = .put
        request.body = RegistrationDocument.encoded(service)
        send(request) { outcome in
            // A server without this path is no agent.
            if case .answer(let answer) = outcome, answer.status == 404 {
                completion(.failed(.status(404, "")))
            } else {
                completion(Outcome(outcome))
            }
        }
    }

    /// Removes the service of that id.
    package func deregister(_ id: String, completion: @escaping (Outcome) -> Void) {
        var request = ConsulRequest(
            "/v1/agent/service/deregister/\(PercentEncoding.encode(id))")
        request.method = .put
        send(request) { completion(Outcome($0)) }
    }

    /// Tells how a check of a TTL stands. `output` is for people, and cut by the agent at 4 KiB.
    package func report(
        _ status: AgentCheck.Status, of check: String, output: String,
        completion: @escaping (Outcome) -> Void
    ) {
        var request = ConsulRequest("/v1/agent/check/update/\(PercentEncoding.encode(check))")
        request.method = .put
        request.body = JSON.encode(StatusDocument(Status: status.rawValue, Output: output)) ?? []
        send(request) { outcome in
            // Before version 1.11 agents said so with 500.
            if case .failed(let failure) = outcome, case .status(500, let text) = failure.reason,
                text.contains("CheckID") || text.contains("nknown check")
            {
                completion(.unknown)
            } else {
                completion(Outcome(outcome))
            }
        }
    }

    private struct StatusDocument: Encodable {
        let Status: String
        let Output: String
    }

    private func send(_ request: ConsulRequest, completion: @escaping (ConsulOutcome) -> Void) {
        var request = request
        request.mayBeStale = false
        request.onlyFirstAgent = true
        lastExchange += 1
        let number = lastExchange
        exchanges[number] = agents.send(request) { [unowned self] outcome in
            exchanges[number] = nil
            completion(outcome)
        }
    }
}

extension ConsulAgentServices.Outcome {
    fileprivate init(_ outcome: ConsulOutcome) {
        switch outcome {
        case .answer(let answer): self = answer.status == 404 ? .unknown : .done
        case .failed(let failure): self = .failed(failure)
        }
    }
}
