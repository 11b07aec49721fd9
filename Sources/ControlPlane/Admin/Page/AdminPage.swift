// AdminPage: the page at `/`. It is the same for everybody and tells nothing by itself: its script
// asks `/services` and `/events`, with the token where one is needed, and draws what these say. All
// text gets into the page as text nodes, so that a host name from DNS can't become markup.
//
// What is wrong comes first, in words; colours only repeat what a word says.

/// The page.
enum AdminPage {
    /// The page, for a response whose content security policy names `nonce`.
    static func html(nonce: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Fairlead</title>
        <link rel="icon" href="data:,">
        <style nonce="\(nonce)">\(style)</style>
        </head>
        <body>
        <a class="skip" href="#main">To the services</a>
        <p id="stale" role="alert" hidden></p>
        <p id="said" role="status" hidden></p>
        <div id="sure" role="alertdialog" aria-labelledby="sure-text" hidden>
        <p id="sure-text"></p>
        <button type="button" id="sure-yes"></button>
        <button type="button" id="sure-no">Leave it</button>
        </div>
        <form id="login" hidden>
        <label for="token">This admin port needs its token; it is kept until the page is closed.</label>
        <input id="token" type="password" autocomplete="off" required>
        <button>Show</button>
        </form>
        <noscript><p>This page needs JavaScript. <code>/stats</code> says the same as JSON, and
        <code>/health/ready</code> whether all is well.</p></noscript>
        <main id="main" tabindex="-1">
        <header id="verdict"><h1>Fairlead</h1><p class="verdict">Asking …</p></header>
        <div id="services"></div>
        <div id="others"></div>
        <section aria-labelledby="journal-title">
        <h2 id="journal-title">Journal</h2>
        <form id="filter" role="search">
        <label>Service <select id="filter-service"><option value="">all</option></select></label>
        <label>Text <input id="filter-text" type="search" placeholder="10.0.0.1, ejected …"></label>
        </form>
        <div id="journal"></div>
        </section>
        </main>
        <script nonce="\(nonce)">
        'use strict';
        \(tools)
        \(views)
        \(feed)
        </script>
        </body>
        </html>

        """
    }
}
