// Names that have one address however many instances there are, since something else balances
// behind it: a Service of Kubernetes with a cluster address, and a service of Docker Swarm with a
// virtual one. Fairlead sees one backend there, that never fails and never leaves.

internal import DNSClient
internal import DNSWire

extension Remark {
    /// What hides instances behind one address, and what to write in its place.
    static func virtualAddresses(of server: Explanation.Server) -> [Remark] {
        var remarks: [Remark] = []
        for (host, count) in server.tasks.sorted(by: { $0.key < $1.key }) {
            remarks.append(
                Remark(
                    kind: .virtualAddress,
                    text: "\(host) is one virtual address of Docker Swarm, which hides "
                        + "\(count == 1 ? "its task" : "\(count) tasks"): use "
                        + "`backends: [\"tasks.\(host):PORT\"]` and `refresh: {every: 2s}`"))
        }
        guard server.instances.count == 1, let name = clusterName(server) else { return remarks }
        let host = String("\(name.lowercased)".dropLast())
        remarks.append(
            Remark(
                kind: .virtualAddress,
                text: "\(host) has one address: unless its Service is headless (clusterIP: None) "
                    + "and has one pod, that is the cluster's own, behind which kube-proxy "
                    + "balances unseen. Use a headless Service with a named port: "
                    + "`srv: _PORTNAME._tcp.\(host)`"))
        return remarks
    }

    /// The name of a Service of Kubernetes that was asked for, or that is the target of its own SRV
    /// record: those of a headless one are the names of pods. Nil for none.
    private static func clusterName(_ server: Explanation.Server) -> DomainName? {
        for answer in server.answers {
            guard let message = answer.message else { continue }
            for record in AnswerChain(message).records {
                let name: DomainName
                switch record.data {
                case .srv(let srv): name = srv.target
                case .a, .aaaa: name = answer.question.name
                default: continue
                }
                let text = "\(name.lowercased)"
                guard text.contains(".svc.") else { continue }
                let asked = "\(answer.question.name.lowercased)"
                // `_http._tcp.web.shop.svc.cluster.local`, and its own Service.
                if text == asked || asked.hasPrefix("_") && asked.hasSuffix("." + text) {
                    return name
                }
            }
        }
        return nil
    }
}
