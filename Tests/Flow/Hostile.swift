// A request that tries something, what Fairlead does with it, and why others may do otherwise.

/// One line of the comparison with HAProxy and nginx.
struct Hostile {
    let what: String
    let bytes: [UInt8]
    /// What becomes of it, as `Outcome` describes it.
    let fairlead: String
    /// Why the peer's outcome differs; nil when it is the same.
    let haproxy: Reason?
    let nginx: Reason?

    /// A head of these lines, with its empty line, and what follows.
    init(
        _ what: String, _ lines: String..., body: String = "", gets outcome: String,
        haproxy: Reason? = nil, nginx: Reason? = nil
    ) {
        self.init(
            what, raw: lines.joined(separator: "\r\n") + "\r\n\r\n" + body, gets: outcome,
            haproxy: haproxy, nginx: nginx)
    }

    /// The bytes as they are; each character is one, up to U+00FF.
    init(
        _ what: String, raw: String, gets outcome: String, haproxy: Reason? = nil,
        nginx: Reason? = nil
    ) {
        self.what = what
        bytes = raw.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        fairlead = outcome
        self.haproxy = haproxy
        self.nginx = nginx
    }

    /// Why two proxies treat the same bytes in different ways; one for each rule.
    enum Reason: String, CaseIterable {
        case bothFramings = "both framings"
        case equalLengths = "equal lengths"
        case otherStatus = "another status"
        case chunksInHTTP10 = "chunks in HTTP/1.0"
        case trace = "content of TRACE"
        case blankAfterSize = "a blank after a size"
        case digits = "digits of a size"
        case bareLineFeed = "bare LF"
        case trailersDropped = "trailers are dropped"
        case framingTrailer = "a length after the body"
        case folded = "folding"
        case noColon = "a missing colon"
        case extraCarriageReturn = "CR CR LF"
        case nul = "NUL"
        case underscore = "underscores"
        case nominated = "what Connection names"
        case hopByHop = "fields of one hop"
        case fieldCount = "many fields"
        case hostMissing = "a missing Host"
        case hostSyntax = "what a Host is"
        case absoluteForm = "absolute-form"
        case asteriskOfGet = "an asterisk for others"
        case asterisk = "asterisk-form"
        case connect = "CONNECT"
        case requestLine = "blanks in the request line"
        case targetSyntax = "what a target is"
        case encodedNUL = "an encoded NUL"
        case http09 = "HTTP/0.9"
        case minorVersion = "a minor version"
        case majorVersion = "a major version"
        case methodCase = "unknown methods"
        case ownVersion = "whose version"
        case http2 = "HTTP/2 in the clear"

        var text: String {
            framing ?? fields ?? target ?? connection
        }
    }
}

extension Hostile.Reason {
    private var framing: String? {
        switch self {
        case .bothFramings:
            "RFC 9112 section 6.1 lets a server believe the coding and drop the length. A hop "
                + "before this one that believed the length is then out of step: Fairlead refuses."
        case .equalLengths:
            "RFC 9110 section 8.6 lets a server take equal lengths for one, or refuse them. "
                + "No honest sender repeats itself: Fairlead refuses."
        case .otherStatus:
            "Refused by both. RFC 9112 section 6.3 wants 400 when chunked is not the last coding, "
                + "section 6.1 501 for another that is not understood, RFC 6585 section 5 431 for "
                + "too many fields."
        case .chunksInHTTP10:
            "RFC 9112 section 6.1 has the framing of such a message treated as faulty. The peer "
                + "reads the chunks and closes the connection; Fairlead refuses at once."
        case .trace:
            "RFC 9110 section 9.3.8 forbids content in TRACE. HAProxy passes it on; nginx refuses "
                + "every TRACE."
        case .blankAfterSize:
            "The grammar of RFC 9112 section 7.1 has a blank there only before a semicolon. "
                + "A hop that reads on from it reads another size: Fairlead refuses."
        case .digits:
            "RFC 9112 section 7.1 sets no limit. 16 digits are enough for every size, and more "
                + "have overflown: Fairlead refuses."
        case .bareLineFeed:
            "RFC 9112 section 2.2 lets a server take LF for the end of a line in a head. Hops that "
                + "disagree on where lines end disagree on where messages do: Fairlead refuses."
        case .trailersDropped:
            "RFC 9110 section 6.5.1 lets a proxy drop trailers, as the peer does, unread. "
                + "Fairlead checks them and passes them on."
        case .framingTrailer:
            "RFC 9110 section 6.5.1 forbids such trailers. A backend that merges them into the "
                + "head would take the length for the message's: Fairlead refuses."
        default: nil
        }
    }

    private var fields: String? {
        switch self {
        case .folded:
            "RFC 9112 section 5.2 lets a proxy refuse a folded line or join it, as the peer does."
        case .noColon: "No field line by RFC 9112 section 5. The peer takes it for an empty value."
        case .extraCarriageReturn:
            "RFC 9112 section 2.2: a bare CR is invalid, or a space. The peer overlooks it."
        case .nul:
            "RFC 9110 section 5.5: NUL in a value is invalid and dangerous, to be refused or "
                + "replaced. The peer passes it on."
        case .underscore:
            "CGI cannot tell `_` from `-`, so the peer drops such fields. The name is a valid "
                + "token, and Fairlead is in front of more than CGI: it drops those that could be "
                + "taken for a field that it writes or goes by."
        case .nominated:
            "RFC 9110 section 7.6.1 has a proxy remove the fields that Connection names. The peer "
                + "does not."
        case .hopByHop:
            "RFC 9110 section 7.6.1 has a proxy remove Connection, Keep-Alive, Proxy-Connection, "
                + "TE and Upgrade; Proxy-Authorization is for this hop. The peer leaves some."
        case .fieldCount: "The peer limits the bytes of a head, not its fields."
        default: nil
        }
    }

    private var target: String? {
        switch self {
        case .hostMissing:
            "RFC 9112 section 3.2: a request of HTTP/1.1 without Host must get 400."
        case .hostSyntax:
            "RFC 9112 section 3.2: an invalid Host must get 400; and RFC 9110 sections 4.2.1 and "
                + "4.2.4: no empty host, and nothing before an `@`."
        case .absoluteForm:
            "RFC 9112 section 3.2.2: the target overrules Host. The peer wants both to agree."
        case .asteriskOfGet:
            "RFC 9112 section 3.2.4: the asterisk is for OPTIONS only. The peer passes it on."
        case .asterisk: "RFC 9112 section 3.2.4: OPTIONS may have it. The peer does not know it."
        case .connect:
            "The peer passes CONNECT on as any request. A proxy in front of servers has nothing "
                + "to tunnel to: Fairlead refuses."
        case .requestLine:
            "RFC 9112 section 3 lets a server split the line at any blanks, and warns of it. "
                + "Fairlead wants one space."
        case .targetSyntax:
            "RFC 9112 section 3.2: a target has neither a fragment nor bytes beyond ASCII, and "
                + "should get 400. The peer passes it on."
        case .encodedNUL:
            "The peer looks for files, whose names hold no NUL. To Fairlead without routes by "
                + "path the target is the backend's business."
        default: nil
        }
    }

    private var connection: String {
        switch self {
        case .http09:
            "HTTP/0.9 has no head and no status. The peer answers it so, and writes HTTP/1.1 to "
                + "the backend; Fairlead speaks HTTP/1 only."
        case .minorVersion:
            "RFC 9110 section 2.5 would have it read as HTTP/1.1. There is no such version, and "
                + "who says so is up to something: Fairlead refuses."
        case .majorVersion:
            "RFC 9110 section 15.6.6: 505 is for major versions that are not supported. The peer "
                + "reads it as HTTP/1.1."
        case .methodCase:
            "RFC 9110 section 9.1: methods are tokens, and letter case counts. The peer takes "
                + "upper case only; Fairlead passes on what it does not know."
        case .ownVersion:
            "RFC 9110 section 2.5: an intermediary sends its own version. The peer sends the "
                + "client's."
        case .http2:
            "What follows such a switch would pass unseen, and RFC 9113 section 3.1 has given it "
                + "up. The peer passes on at least a part of the offer."
        default: ""
        }
    }
}
