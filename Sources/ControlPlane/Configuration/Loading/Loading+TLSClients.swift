// What TLS to backends and to registries needs of files. They are read and tried with the
// configuration, so that a start or a reload that names a broken one is refused, and what runs
// keeps what it has.

internal import CertificateFiles
internal import Documents
internal import TLS
internal import Traffic

extension Loading {
    /// TLS is spoken as soon as an option of it is given in the same scope, unless one says not.
    func settled(
        _ tls: TLSClientSettings, given: [String: Origin], group: String
    ) -> TLSClientSettings {
        var tls = tls
        if given["\(group).use"] == nil, given.keys.contains(where: { $0.hasPrefix("\(group).") }) {
            tls.isOn = true
        }
        return tls
    }

    /// Makes the clients' options of all that is asked over TLS; adds to errors.
    mutating func readTLSClients() {
        let (consul, docker) = (draft.configuration.consul, draft.configuration.docker)
        if asksConsul, consul.agents.contains(where: \.isSecure) {
            draft.configuration.consul.tls.client = client(consul.tls, speaks: [.http1]) {
                [given] key in
                given["consul.tls.\(key)"] ?? given["consul.tls.use"] ?? given["consul.agents"]
                    ?? .nowhere
            }
        }
        if asksDocker, docker.host.isSecure {
            draft.configuration.docker.tls.client = client(docker.tls, speaks: [.http1]) {
                [given] key in
                given["docker.tls.\(key)"] ?? given["docker.tls.use"] ?? given["docker.host"]
                    ?? .nowhere
            }
        }
        guard purpose == .serving else { return }
        let ofTCP = Set(
            listeners.filter { $0.value.mode == .tcp }.flatMap(\.value.serviceNames))
        for place in services.indices where services[place].value.tls.isOn {
            let service = services[place]
            checkName(of: service)
            services[place].value.tls.client = client(
                service.value.tls,
                speaks: ofTCP.contains(service.value.name)
                    ? [] : Self.protocols(of: service.value.policy.speaks)
            ) { [given] key in
                service.given["backend-tls.\(key)"] ?? given["defaults.backend-tls.\(key)"]
                    ?? service.given["backend-tls.use"] ?? given["defaults.backend-tls.use"]
                    ?? service.origin
            }
        }
    }

    /// What backends are offered that speak this.
    private static func protocols(of choice: BackendProtocol) -> [ApplicationProtocol] {
        switch choice {
        case .http1: [.http1]
        case .http2: [.http2]
        case .auto: [.http2, .http1]
        }
    }

    /// What `settings` come to with what is in their files; `origin` says where an option was
    /// given. Nil when they can't be used, which has been reported then.
    private mutating func client(
        _ settings: TLSClientSettings, speaks protocols: [ApplicationProtocol],
        origin: (String) -> Origin
    ) -> TLSClientOptions? {
        do throws(TLSUnavailable) {
            try OpenSSL.load()
        } catch {
            errors.add(
                "found no OpenSSL (\(error)), expected its libraries: install libssl3",
                at: origin("use"))
            return nil
        }
        var options = TLSClientOptions(
            name: settings.name, minVersion: settings.minVersion, protocols: protocols)
        if !settings.verifies {
            options.trust = .anybody
        } else if let file = settings.authorities {
            guard let text = authorities(in: file, at: origin("ca-file")) else { return nil }
            options.trust = .authorities(text)
        }
        if settings.chain != nil || settings.key != nil {
            let key = settings.chain == nil ? "certificate.key" : "certificate.cert"
            guard let certificate = certificate(settings, at: origin(key)) else { return nil }
            options.certificate = certificate
        }
        do throws(TLSClientProblem) {
            _ = try TLSClient(options)
            return options
        } catch {
            switch error {
            case .authorities(let problem):
                errors.add(
                    "\(quoted(settings.authorities ?? "")): \(problem)", at: origin("ca-file"))
            case .certificate, .noSystemList: errors.add("\(error)", at: origin("use"))
            }
            return nil
        }
    }

    /// Instances of registries have addresses alone, and certificates are for names.
    private mutating func checkName(of service: Entry<Service>) {
        guard service.value.tls.verifies, service.value.tls.name == nil else { return }
        for source in service.value.sources {
            let registry: String
            switch source {
            case .consul: registry = "Consul"
            case .docker: registry = "Docker"
            case .srv, .file, .backends: continue
            }
            errors.add(
                "found backends of \(registry), which gives them no host names, expected tls.name: "
                    + "the name that their certificates are for",
                at: origin(in: service, "backend-tls.use"))
            return
        }
    }

    private mutating func certificate(
        _ settings: TLSClientSettings, at place: Origin
    ) -> TLSCertificate? {
        guard let chainFile = settings.chain, let keyFile = settings.key else {
            let alone = settings.chain ?? settings.key ?? ""
            errors.add(
                "found \(quoted(alone)) alone, expected {cert: FILE, key: FILE}; both may name the "
                    + "same file", at: place)
            return nil
        }
        guard let chain = bytes(of: chainFile, at: place), let key = bytes(of: keyFile, at: place)
        else { return nil }
        do throws(CertificateProblem) {
            return try TLSCertificate(chain: chain, key: key)
        } catch {
            errors.add("\(quoted(error.isOfKey ? keyFile : chainFile)): \(error)", at: place)
            return nil
        }
    }

    /// The certificates of the file at `path`, or of all files of the folder there.
    private mutating func authorities(in path: String, at origin: Origin) -> [UInt8]? {
        guard FolderListing.isFolder(path) else { return bytes(of: path, at: origin) }
        var all: [UInt8] = []
        for file in FolderListing.files(in: path) ?? [] {
            guard let bytes = bytes(of: file, at: origin) else { return nil }
            guard PEMLabels(bytes).hasCertificate else {
                errors.add(
                    "\(quoted(file)): it has no certificate; expected a folder of certificates "
                        + "in PEM alone", at: origin)
                return nil
            }
            all += bytes + [UInt8(ascii: "\n")]
        }
        guard !all.isEmpty else {
            errors.add(
                "\(quoted(path)): it has no file that can be read; expected certificates in PEM",
                at: origin)
            return nil
        }
        return all
    }

    private mutating func bytes(of path: String, at origin: Origin) -> [UInt8]? {
        do throws(FileTextError) {
            return Array(try NamedText.read(path: path).text.utf8)
        } catch {
            errors.add("\(quoted(path)): \(error.text)", at: origin)
            return nil
        }
    }
}
