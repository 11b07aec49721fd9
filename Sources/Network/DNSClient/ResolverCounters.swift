// ResolverCounters: what a resolver has seen, for display. A copy is a snapshot.

package import DNSWire

/// Sums since the resolver was made.
package struct ResolverCounters: Hashable, Sendable {
    /// Questions asked by the program.
    package var questions = 0
    /// Of these, refused because too many were waiting.
    package var overloaded = 0
    /// Of these, ended at once because every server is away.
    package var givenUp = 0
    /// Queries sent over UDP; more than the questions when servers were raced or asked again.
    package var sentUDP = 0
    /// Queries for which a TCP connection was begun.
    package var sentTCP = 0
    /// Messages and packets that came, whatever they were.
    package var received = 0
    /// Queries that were not answered in time.
    package var timeouts = 0
    /// Queries that could not be sent, or were refused by the network.
    package var unreachable = 0
    /// UDP answers with the TC bit.
    package var truncated = 0
    /// Packets that were no DNS message.
    package var malformed = 0
    /// Messages that did not answer our query: a wrong id or question, or not a response.
    package var mismatched = 0
    /// Valid responses by their code, `.noError` among them.
    package var responses: [ResponseCode: Int] = [:]
}
