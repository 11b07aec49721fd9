// AdminSettings+Token: the token of the admin port, from the configuration or from a file.

package import Configuration
internal import Documents

extension AdminSettings {
    /// The token that clients have to send; nil for none. Reads its file, if it has one.
    ///
    /// - Throws: `StartFailure` when that can't be read or holds no token.
    package func readToken() throws -> String? {
        guard let path = tokenFile else { return token }
        let line: String
        do throws(FileTextError) {
            line = try NamedText.read(path: path).firstLine
        } catch {
            throw StartFailure(description: "admin.token-file: \(path) \(error.text)")
        }
        guard Self.isToken(line) else {
            throw StartFailure(
                description: "admin.token-file: \(path) holds no token: a line of "
                    + "\(Self.tokenBytesMin) visible ASCII characters at least")
        }
        return line
    }
}
