// ClientHellos of real clients, captured on a loopback socket: openssl s_client and curl and Python
// with OpenSSL 3.0, and chromium, whose post-quantum key share makes its hello longer than a
// packet.

import FoundationEssentials
import Testing

/// What one client sent first, and what it was told to ask for.
struct CapturedHello: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let serverName: String?
    let protocols: [String]
    let bytes: [UInt8]

    private init(
        _ client: String, _ serverName: String?, _ protocols: [String], _ base64: String
    ) {
        testDescription = client
        self.serverName = serverName
        self.protocols = protocols
        let data = Data(base64Encoded: base64, options: .ignoreUnknownCharacters)
        bytes = data.map { Array($0) } ?? []
    }

    static let all = [
        CapturedHello(
            "openssl", "a.example", ["h2", "http/1.1"],
            """
            FgMBAUgBAAFEAwP073J7DKSpHqj+WXwRs0Y0IPhqUK4VVTEaC0y/UTzW/yD8auJ/D8g7ZuLMpI5/A6Hh
            gKMpAorEEQXN35i80sZbBQA+EwITAxMBwCzAMACfzKnMqMyqwCvALwCewCTAKABrwCPAJwBnwArAFAA5
            wAnAEwAzAJ0AnAA9ADwANQAvAP8BAAC9AAAADgAMAAAJQS5FeGFtcGxlAAsABAMAAQIACgAWABQAHQAX
            AB4AGQAYAQABAQECAQMBBAAjAAAAEAAOAAwCaDIIaHR0cC8xLjEAFgAAABcAAAANACoAKAQDBQMGAwgH
            CAgICQgKCAsIBAgFCAYEAQUBBgEDAwMBAwIEAgUCBgIAKwAJCAMEAwMDAgMBAC0AAgEBADMAJgAkAB0A
            IDUnu/B+mRAjmsUcusaKFvl+YXgp+0WKOqLsVlxh8HAa
            """),
        CapturedHello(
            "opensslWithoutName", nil, [],
            """
            FgMBASQBAAEgAwMmM5aJgQaWOlhEWWTlhIUWqZ761ANp5+CZZs+rhRfuwiDAuQSTuvlfTO3XDzN3CrbF
            Yk78k2+SOHb9ofPMS+7FogA+EwITAxMBwCzAMACfzKnMqMyqwCvALwCewCTAKABrwCPAJwBnwArAFAA5
            wAnAEwAzAJ0AnAA9ADwANQAvAP8BAACZAAsABAMAAQIACgAWABQAHQAXAB4AGQAYAQABAQECAQMBBAAj
            AAAAFgAAABcAAAANACoAKAQDBQMGAwgHCAgICQgKCAsIBAgFCAYEAQUBBgEDAwMBAwIEAgUCBgIAKwAJ
            CAMEAwMDAgMBAC0AAgEBADMAJgAkAB0AIKJXiq9aQTFOoojN0S1sgFEZ1joPODF/XKtilF99QVRH
            """),
        CapturedHello(
            "opensslOld", "a.example", [],
            """
            FgMBAMkBAADFAwPAFufusbUc17gO0s1WTNK/O+6RnHUJUYk/dvsXbIGdLQAAOMAswDAAn8ypzKjMqsAr
            wC8AnsAkwCgAa8AjwCcAZ8AKwBQAOcAJwBMAMwCdAJwAPQA8ADUALwD/AQAAZAAAAA4ADAAACWEuZXhh
            bXBsZQALAAQDAAECAAoADAAKAB0AFwAeABkAGAAjAAAAFgAAABcAAAANACoAKAQDBQMGAwgHCAgICQgK
            CAsIBAgFCAYEAQUBBgEDAwMBAwIEAgUCBgI=
            """),
        CapturedHello(
            "curl", "a.example", ["h2", "http/1.1"],
            """
            FgMBAgABAAH8AwPtBUeiYJPVuHJ7A3Fpa9eukbWxXouwipasLunmxJntYCA/Tbcr4QPdhw1Em8Az2ZPj
            3yWbo+aS3tFsOyd3wpC32AA+EwITAxMBwCzAMACfzKnMqMyqwCvALwCewCTAKABrwCPAJwBnwArAFAA5
            wAnAEwAzAJ0AnAA9ADwANQAvAP8BAAF1AAAADgAMAAAJYS5leGFtcGxlAAsABAMAAQIACgAWABQAHQAX
            AB4AGQAYAQABAQECAQMBBAAQAA4ADAJoMghodHRwLzEuMQAWAAAAFwAAADEAAAANACoAKAQDBQMGAwgH
            CAgICQgKCAsIBAgFCAYEAQUBBgEDAwMBAwIEAgUCBgIAKwAJCAMEAwMDAgMBAC0AAgEBADMAJgAkAB0A
            IN6oHgMyCxf3NYRVNihQJF/1d8A8yaF4U7fxKZXIEzofABUAtAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==
            """),
        CapturedHello(
            "python", "b.a.example", ["h2", "http/1.1"],
            """
            FgMBAgABAAH8AwNlirjmICWdLyBXIZRYHaefkng5CqSdTGZlcxUu9hG7FSCpVsX+h8xBAvMkjU5M5OPz
            auOTUoGXGOJa28G/pRFadgAkEwITAxMBwCzAMMArwC/MqcyowCTAKMAjwCcAnwCeAGsAZwD/AQABjwAA
            ABAADgAAC2IuYS5leGFtcGxlAAsABAMAAQIACgAWABQAHQAXAB4AGQAYAQABAQECAQMBBAAjAAAAEAAO
            AAwCaDIIaHR0cC8xLjEAFgAAABcAAAANACoAKAQDBQMGAwgHCAgICQgKCAsIBAgFCAYEAQUBBgEDAwMB
            AwIEAgUCBgIAKwAFBAMEAwMALQACAQEAMwAmACQAHQAg4cA0iDN3IelpFaDJeU1kf52Pg3Ow2W5sDzYy
            seHZCWkAFQDQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==
            """),
        CapturedHello(
            "pythonOld", "a.example", [],
            """
            FgMBAK8BAACrAwPb6fNAs81yUckdWVXjzvMLSJ2JOSg0vPmytqg+M3BPHwAAHsAswDDAK8AvzKnMqMAk
            wCjAI8AnAJ8AngBrAGcA/wEAAGQAAAAOAAwAAAlhLmV4YW1wbGUACwAEAwABAgAKAAwACgAdABcAHgAZ
            ABgAIwAAABYAAAAXAAAADQAqACgEAwUDBgMIBwgICAkICggLCAQIBQgGBAEFAQYBAwMDAQMCBAIFAgYC
            """),
        CapturedHello(
            "chromium", "a.example", ["h2", "http/1.1"],
            """
            FgMBB5gBAAeUAwM32/SLu1LPXn88dg9r4tZrUh7OBzjF4nAHOqo+XFduTSD3ILjVaveU+8GLyMnHzRPR
            lVYAQjs/miGMHF7/nlJ/LgAgmpoTARMCEwPAK8AvwCzAMMypzKjAE8AUAJwAnQAvADUBAAcriooAAAAL
            AAIBAAANABoAGBoaCQQJBQkGBAMIBAQBBQMIBQUBCAYGAQAjAAAAEAAOAAwCaDIIaHR0cC8xLjEABQAF
            AQAAAAAALQACAQH+DQDaAAABAAE5ACBGUi6YaM08kcOVnERXaowaGl0TGZgX7aur+1T8tfzcYQCwFNTi
            9xhT7/yPWBNbX3m0R3fJXHeCqxyRqUwiTXSLtCbnZRI12uUGax0CTEsmrM+RDTfoOBo6FQQblT3J1pGs
            uhMnWbpiLMegEq3tKd6Fx0lC0Rut7FkWeE+qUFBhzbgckiNiY7nvSkBXlCKui3eceQ3tx9yT3HlyyEDk
            9VqcB6UNBnq++BJGB9SrLowVlPZy4JQpsq/nsFQ+5JmNo4tkf/4Ox1oJmQXb0VIBhczbrZNEzQAFAAMC
            aDIAGwADAgACABcAAAAKAAwACrq6EewAHQAXABjKNAC6ALgFgt8TAgEFgt8TAgYFgt8TAg0Fgt8TAg4F
            gt8TAg8Fgt8TAhIFgt8TAhMFgt8TAhQIg5pkjJstAQcIg5pkjJstAQgIg5pkjJstAQkIg5pkjJstAQoI
            g5pkjJstAQsIg5pkjJstAQwIg5pkjJstAQ0Ig5pkjJstARIIg5pkjJstARME1nkJAQTWeQkEBNZ5CQUE
            1nkJBgTWeQkHBNZ5CQgE1nkJCgTWeQkLBNZ5CQwE1nkJDQTWeQkPAAAADgAMAAAJYS5leGFtcGxl/wEA
            AQAAKwAHBnp6AwQDAwAzBO8E7bq6AAEAEewEwLcMPMloKH7GZsz1uAFcnW8KSJVGATiZfUsohIK7DWpg
            Kl84Fwb0rjjnq+M4ylVVHIaTrepxvl5kP9ZJJG36NiribeKRpfrHfsEnh0qyr2OAeIvrCxFUDRiiW0QB
            VRQxjpnlRVbKJb8FTkhhEg96hOGAJGenSff7a4zCEu4RtHsmwSUByNRnfyg1Q7ZqmQXoyvIrPQmIdp2Q
            mwWsdC0CVWExN/d3D0gXH8LzKm3qGVbrVSjRsU7hyb2phHT4Ryn1GEsYxZ/HEVP8GKpkw+zHcjLrCoKr
            gEfQEFrHQtIDO88FQ/HQg3uQWIcFe698sxKmsemgKGPaK34Sn/ZEteN1JA33kMr1Is4pnaOZbV17l6lD
            oF+gtHzkigtWW/BpDWBQZ9UaoIiDPIkkLSHFoRVnXrZ6erepP0mbOUuAWizwBCLWdDeFA3UzJ5WmfmLs
            Rg5FO+4HUCN3UiiGIPzjW9a5lRTBuG0DStqjiQjmJt1JRRagf5rhrjNRVOBpRe8qPSHBziOCeGf6iPJi
            FiWjU+TyczXsy4vUqVRqP0jyX4z1O+ZFUqLGszFxXHdxdTV5I4Vkzbx4BYSTUxGSaoK6kxrwJBIrm8Py
            zQYGlmgFZdDUxqC1Vmm8Ds5Qb/OBQ6r6pp8LXxZZqoilCs5iDwaagUXBxYPZRDN1q/3nN0KoQSMsBRJK
            BhfZWzbhs1FiplbgtqwEYHfCAxRXDw9pi/bkk0gSsnT7NyVDEpOsnW8AEuqsvyVGB97giE/1GQ+BT4Eb
            ebrrTWP6gWh8EdI3YMLXNGScJJJ0U4zwRUGbpeXQv7rEBBjQizZ6Dl4Ant3VURowa3T5Q+LQpjRGmdNy
            an/QSY0xUq48gBSgBI9sY8WcK7XBhfEEMp22iMEgl7TnIhkbPVsgY9kSIyjKfdnZngPMppWgifvLfCs0
            uvIAojoSaIr5JLilqJeRGRinavUIuJJqJTWREpapaU0WiCSGMDYgr6MMICVTxBhzyk0SoLxmxo1ah/IT
            P2hQlb71yOGAy2eJw736L9kwTID6nXOjovaDoq2DB4jAhscAPj30WGGZiaN7l9nTwl4cO6byHpXyoFXT
            H97Gjui0A1RYWdbJv3b2YAopgCjhD+17m8JAcP/8uVsmB+HplUrKuHE1qKnGUTWqCBHDUFN8BAbASDZY
            w5CDzBGrSiJDaemyegHpy6bhJEprYBIyIVXEOg4Df62IEYfrBv7TeS93n0kRO2jXjkrJAm/lGlsEbjyY
            XV4XAzdLq2mArbYqDXQUaUNwJzqnZqDkwukmP+YzixHkdEMaU0SkZ2lanG7TXriJWP3REC2aBDNMpX85
            DLPsfJY8DkBUxfSwYZCaeocaqFqMhzkjira3fLZGX6XJpah5LICHDLLgiECstANwjRCoVfERZkynf3aZ
            Ziy6CufcXRH7rY4QivEqLcnZc4a1k1u4s42xAZmAAqYYcV9Ao0fbbv5gDAo1uYhbMkQDh8yyEThRP9jn
            U41Ja531O1cDpdvGOxmgs1J1KkandvEQJbbiI1Nky1CEjYkAzOQarTZT6cwxHUOKU9RuTRH1CpKsH+tY
            pSQGM+Twqu9FahqS9jyfh32x2Ghd9duE4z885zCyK+Sohmv+s8++hPOdJAEAHQAg5ZPppTtWO2vjtAaZ
            +HdUEhOgSedYY4quN0COoe6G5DkAEgAA+voAAQA=
            """),
    ]
}
