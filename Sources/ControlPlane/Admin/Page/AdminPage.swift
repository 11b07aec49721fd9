// AdminPage: the page at `/`, put together from the files beside this one. It is the same for every
// client and shows nothing by itself: its script asks `/services` and `/events`, with the token
// where one is needed, and draws what they answer. All text gets into the page as text nodes, so
// that a host name from DNS can't become markup.
//
// What is wrong comes first, in words; colours only repeat the words.

/// The page.
enum AdminPage {
    /// The page, for a response whose content security policy names `nonce`.
    static func html(nonce: String) -> String {
        pieces.joined(separator: nonce)
    }

    /// The page, cut at the places of the nonce.
    private static let pieces: [Substring] = {
        let script = [
            PackageResources.page_tools_js, PackageResources.page_views_js,
            PackageResources.page_feed_js,
        ]
        return text(PackageResources.page_html)
            .replacing("{{STYLE}}", with: text(PackageResources.page_css))
            .replacing("{{SCRIPT}}", with: script.map(text).joined(separator: "\n"))
            .split(separator: "{{NONCE}}", omittingEmptySubsequences: false)
    }()

    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}
