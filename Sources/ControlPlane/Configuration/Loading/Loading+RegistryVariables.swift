// Variables of Consul's and Docker's own programs: Fairlead finds its servers by them as well,
// unless options of its own say otherwise.

internal import CertificateFiles
internal import Documents

extension Loading {
    /// The variables that are read here, besides all that begin with CONSUL_HTTP_.
    static let registryVariables: Set<String> = [
        "CONSUL_CACERT", "CONSUL_CAPATH", "CONSUL_CLIENT_CERT", "CONSUL_CLIENT_KEY",
        "CONSUL_TLS_SERVER_NAME", "DOCKER_HOST", "DOCKER_TLS", "DOCKER_TLS_VERIFY",
        "DOCKER_CERT_PATH", "DOCKER_CONFIG", "HOME",
    ]

    /// Whether anything is asked of Consul.
    var asksConsul: Bool {
        switch purpose {
        case .registering, .readingKeys: true
        case .serving, .lookup: draft.configuration.usesConsul(by: services.map(\.value))
        }
    }

    /// Whether anything is asked of Docker's engine.
    var asksDocker: Bool {
        switch purpose {
        case .registering: true
        case .readingKeys: false
        case .serving, .lookup: draft.configuration.docker.isUsed(by: services.map(\.value))
        }
    }

    @discardableResult
    private mutating func readVariable(_ variable: String, for key: String) -> Bool {
        environment[variable].map { read($0, for: key, at: .environment(variable)) } ?? false
    }

    /// Takes `text`, which is from `origin`, for the value of the option `key`.
    /// - Returns: whether it was one.
    @discardableResult
    private mutating func read(_ text: String, for key: String, at origin: Origin) -> Bool {
        guard let option = OptionTable.file.first(where: { $0.key == key }),
            option.apply([text], to: &draft, &errors, origin: { _ in origin })
        else { return false }
        given[key] = origin
        return true
    }

    // MARK: - Consul

    /// Reads Consul's variables where no option of ours says it. If nothing is asked of Consul,
    /// they are meant for another program, and errors in them do not matter.
    mutating func readConsulVariables() {
        let before = errors
        if given["consul.agents"] == nil {
            readVariable("CONSUL_HTTP_ADDR", for: "consul.agents")
        }
        readConsulTLS()
        if given["consul.token"] == nil, given["consul.token-file"] == nil {
            // The file goes first, as it does in Consul's own programs.
            if !readVariable("CONSUL_HTTP_TOKEN_FILE", for: "consul.token-file") {
                readVariable("CONSUL_HTTP_TOKEN", for: "consul.token")
            }
        }
        if !asksConsul { errors = before }
    }

    /// Decides which agents are asked by TLS. As with Consul's own programs, variables that name
    /// files switch nothing on: an address with `https://` does, or CONSUL_HTTP_SSL.
    private mutating func readConsulTLS() {
        let group = "consul.tls"
        // Consul's programs read that as a wish that no scheme overrules.
        let isWished = given["\(group).use"] == nil && goBoolean("CONSUL_HTTP_SSL") == true
        if isWished {
            draft.configuration.consul.tls.isOn = true
            given["\(group).use"] = .environment("CONSUL_HTTP_SSL")
        }
        var consul = draft.configuration.consul
        consul.tls = settled(consul.tls, given: given, group: group)
        for place in consul.agents.indices {
            consul.agents[place].settle(
                isOn: consul.tls.isOn, overrules: isWished, port: 8501)
        }
        draft.configuration.consul = consul
        guard consul.agents.contains(where: \.isSecure) else { return }
        for variable in ["CONSUL_CACERT", "CONSUL_CAPATH"] where given["\(group).ca-file"] == nil {
            readVariable(variable, for: "\(group).ca-file")
        }
        if given["\(group).certificate.cert"] == nil, given["\(group).certificate.key"] == nil {
            readVariable("CONSUL_CLIENT_CERT", for: "\(group).certificate.cert")
            readVariable("CONSUL_CLIENT_KEY", for: "\(group).certificate.key")
        }
        if given["\(group).name"] == nil {
            readVariable("CONSUL_TLS_SERVER_NAME", for: "\(group).name")
        }
        if given["\(group).verify"] == nil, let verifies = goBoolean("CONSUL_HTTP_SSL_VERIFY") {
            draft.configuration.consul.tls.verifies = verifies
            given["\(group).verify"] = .environment("CONSUL_HTTP_SSL_VERIFY")
        }
    }

    /// A variable that a program in Go, such as Consul, reads as true or false; nil when it is not
    /// set. Adds to errors.
    private mutating func goBoolean(_ variable: String) -> Bool? {
        switch environment[variable] {
        case nil: return nil
        case "1", "t", "T", "TRUE", "true", "True": return true
        case "0", "f", "F", "FALSE", "false", "False": return false
        case let text?:
            errors.add(
                "found \(quoted(text)), expected true or false", at: .environment(variable))
            return nil
        }
    }

    // MARK: - Docker

    /// Reads Docker's variables where no option of ours says it, and anything is asked of the
    /// engine: where it is, and how it is trusted.
    mutating func readDockerVariables() {
        guard asksDocker else { return }
        let group = "docker.tls"
        let variable = ["DOCKER_TLS_VERIFY", "DOCKER_TLS"].first { environment[$0] != nil }
        let hasOptions = given.keys.contains { $0.hasPrefix("\(group).") }
        if let variable, !hasOptions {
            readDockerTLS(at: .environment(variable), verifies: variable == "DOCKER_TLS_VERIFY")
        }
        if given["docker.host"] == nil, !readVariable("DOCKER_HOST", for: "docker.host"),
            let variable, !hasOptions, environment["DOCKER_HOST"] == nil
        {
            // Where `docker` looks for an engine with TLS that nobody has told it about.
            read("tcp://localhost:2376", for: "docker.host", at: .environment(variable))
        }
        var docker = draft.configuration.docker
        docker.tls = settled(docker.tls, given: given, group: group)
        docker.host.settle(isOn: docker.tls.isOn, port: 2376)
        draft.configuration.docker = docker
    }

    /// Takes the files from the folder where `docker` has them. Any value of a variable is a yes
    /// there, `0` as well.
    private mutating func readDockerTLS(at origin: Origin, verifies: Bool) {
        let group = "docker.tls"
        draft.configuration.docker.tls.isOn = true
        given["\(group).use"] = origin
        if !verifies {
            draft.configuration.docker.tls.verifies = false
            given["\(group).verify"] = origin
        }
        let variable = ["DOCKER_CERT_PATH", "DOCKER_CONFIG", "HOME"]
            .first { environment[$0] != nil }
        guard let variable, let path = environment[variable] else { return }
        let folder = variable == "HOME" ? "\(path)/.docker" : path
        let place = variable == "HOME" ? origin : Origin.environment(variable)
        if verifies { read("\(folder)/ca.pem", for: "\(group).ca-file", at: place) }
        // A certificate is not needed where the engine asks for none.
        for (file, key) in [("cert.pem", "certificate.cert"), ("key.pem", "certificate.key")]
        where FolderListing.exists("\(folder)/\(file)") {
            read("\(folder)/\(file)", for: "\(group).\(key)", at: place)
        }
    }
}
