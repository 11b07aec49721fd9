// AdminHandler+Deploy: deploys of a service: one is begun and called off by POST, and followed by
// GET, since it takes longer than a request may.

internal import Backends
internal import Endpoints
internal import HTTPServer

extension AdminHandler {
    /// Begins a deploy, or says what it would do.
    func deploy(_ call: AdminCall) throws(AdminProblem) -> AdminEndpoint.Answer {
        let query = try call.query()
        var request = AdminDeployRequest(to: try Self.endpoints(query["to"]))
        if let seconds = try query.number("timeout", 1...3600) {
            request.timeout = .seconds(seconds)
        }
        if let seconds = try query.number("watch", 0...3600) { request.watch = .seconds(seconds) }
        request.drain = try query.number("drain", 0...86400).map { .seconds($0) }
        let trial = query["trial"]
        guard trial == nil || trial == "yes" else {
            throw AdminProblem(
                400, "trial is \(AdminProblem.shown(trial ?? "")).",
                expected: "trial=yes, or no parameter")
        }
        request.isTrial = trial != nil
        return try shown(controls.deploy(call.values[0], request, call.request.peer.address), call)
    }

    /// Calls a deploy off, or takes back the last one.
    func undoDeploy(_ call: AdminCall) throws(AdminProblem) -> AdminEndpoint.Answer {
        _ = try call.query()
        return try shown(controls.undoDeploy(call.values[0], call.request.peer.address), call)
    }

    /// The deploy under way, or the last one.
    func deployed(_ call: AdminCall) throws(AdminProblem) -> AdminEndpoint.Answer {
        try shown(controls.deployed(call.values[0]), call)
    }

    private func shown(
        _ outcome: AdminDeployOutcome, _ call: AdminCall
    ) throws(AdminProblem) -> AdminEndpoint.Answer {
        let name = AdminProblem.shown(call.values[0])
        switch outcome {
        case .shown(let deploy): return .whole(Self.json(DeployDocument(deploy)))
        case .refused(let error, let expected):
            throw AdminProblem(409, error, expected: expected)
        case .unknownService:
            throw AdminProblem(
                404, "There is no service \(name).", expected: "one of those at /services")
        case .none:
            throw AdminProblem(
                404, "There was no deploy of \(name) since this process began.",
                expected: "POST, which begins one")
        }
    }

    /// The endpoints in a list with commas.
    private static func endpoints(_ text: String?) throws(AdminProblem) -> [Endpoint] {
        let expected =
            "to=ADDRESS:PORT,… with 1 to \(DeployPlan.endpointsMax) addresses, each once; a name "
            + "may stand for others tomorrow"
        guard let text else {
            throw AdminProblem(400, "There is no address to deploy to.", expected: expected)
        }
        var endpoints: [Endpoint] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let endpoint = Endpoint(String(part)), endpoint.port > 0,
                !endpoint.address.isWildcard
            else {
                throw AdminProblem(
                    400, "\(AdminProblem.shown(String(part))) is no address with a port.",
                    expected: expected)
            }
            guard !endpoints.contains(endpoint) else {
                throw AdminProblem(400, "\(endpoint) comes twice.", expected: expected)
            }
            guard endpoints.count < DeployPlan.endpointsMax else {
                throw AdminProblem(400, "There are too many addresses.", expected: expected)
            }
            endpoints.append(endpoint)
        }
        return endpoints
    }
}
