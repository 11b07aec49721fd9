// What TLS to backends needs of files. They are read and tried with the configuration, so that a
// start or a reload that names a broken one is refused, and what runs keeps what it has.

internal import Documents
internal import TLS
internal import Traffic

extension Loading {
    /// TLS is spoken as soon as an option of it is given in the same scope, unless one says not.
    func settled(
        _ tls: BackendTLSSettings, given: [String: Origin], prefix: String = ""
    ) -> BackendTLSSettings {
        var tls = tls
        let group = "\(prefix)backend-tls."
        if given["\(group)use"] == nil, given.keys.contains(where: { $0.hasPrefix(group) }) {
            tls.isOn = true
        }
        return tls
    }

    /// Makes the clients' options of all services with TLS; adds to errors.
    mutating func readBackendTLS() {
        guard purpose == .serving,
            let first = services.firstIndex(where: { $0.value.tls.isOn })
        else { return }
        do throws(TLSUnavailable) {
            try OpenSSL.load()
        } catch {
            errors.add(
                "found no OpenSSL (\(error)), expected its libraries: install libssl3",
                at: origin(in: services[first], "backend-tls.use"))
            return
        }
        let ofTCP = Set(
            listeners.filter { $0.value.mode == .tcp }.flatMap(\.value.serviceNames))
        for place in services.indices where services[place].value.tls.isOn {
            let isHTTP = !ofTCP.contains(services[place].value.name)
            services[place].value.tls.client = client(of: services[place], isHTTP: isHTTP)
        }
    }

    private mutating func client(
        of service: Entry<Service>, isHTTP: Bool
    ) -> TLSClientOptions? {
        let settings = service.value.tls
        checkName(of: service)
        var options = TLSClientOptions(
            name: settings.name, minVersion: settings.minVersion, isHTTP: isHTTP)
        if !settings.verifies {
            options.trust = .anybody
        } else if let file = settings.authorities {
            guard let text = bytes(of: file, at: origin(in: service, "backend-tls.ca-file")) else {
                return nil
            }
            options.trust = .authorities(text)
        }
        if settings.chain != nil || settings.key != nil {
            guard let certificate = certificate(of: service) else { return nil }
            options.certificate = certificate
        }
        do throws(TLSClientProblem) {
            _ = try TLSClient(options)
            return options
        } catch {
            switch error {
            case .authorities(let problem):
                errors.add(
                    "\(quoted(settings.authorities ?? "")): \(problem)",
                    at: origin(in: service, "backend-tls.ca-file"))
            case .certificate, .noSystemList:
                errors.add("\(error)", at: origin(in: service, "backend-tls.use"))
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

    private mutating func certificate(of service: Entry<Service>) -> TLSCertificate? {
        let settings = service.value.tls
        let place = origin(
            in: service, "backend-tls.certificate.cert", "backend-tls.certificate.key")
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

    private mutating func bytes(of path: String, at origin: Origin) -> [UInt8]? {
        do throws(FileTextError) {
            return Array(try NamedText.read(path: path).text.utf8)
        } catch {
            errors.add("\(quoted(path)): \(error.text)", at: origin)
            return nil
        }
    }
}
