// The page's style and script. Constants: nothing of a snapshot ever gets into them.

/// What the page carries besides its content.
enum AdminPageAssets {
    /// One column of cards on a phone, tables from 50 em on. Explicit roles in the markup keep the
    /// tables' meaning for screen readers when CSS takes their display away.
    static let style: HTML = """

        :root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --ink: #1b1f24;
          --soft: #59636e; --line: #d8dee4; --good: #1a7f37; --warning: #9a6700; --bad: #c02128;
          --bar: #4a7bb5 }
        @media (prefers-color-scheme: dark) { :root { --ground: #0f1318; --card: #181d24;
          --ink: #e6eaef; --soft: #9aa5b1; --line: #2e3640; --good: #4cc26a; --warning: #e0b13c;
          --bad: #ff7b78; --bar: #6b9fd8 } }
        * { box-sizing: border-box }
        body { margin: 0; background: var(--ground); color: var(--ink);
          font: 15px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums }
        main { max-width: 75rem; margin: 0 auto; padding: 1rem }
        .stale main { opacity: .55 }
        #stale { position: sticky; top: 0; z-index: 1; margin: 0; padding: .6rem 1rem;
          background: var(--bad); color: var(--card); font-weight: 600 }
        header, section { background: var(--card); border: 1px solid var(--line);
          border-radius: 10px; padding: .8rem 1rem; margin-bottom: 1rem }
        header { border-top: 6px solid var(--good) }
        header.warning { border-top-color: var(--warning) }
        header.failing { border-top-color: var(--bad) }
        h1 { margin: 0; font-size: .85rem; font-weight: 600; color: var(--soft);
          letter-spacing: .04em }
        .verdict { margin: .1rem 0 .3rem; font-size: 1.35rem; font-weight: 650; line-height: 1.25 }
        .mark { display: inline-block; min-width: 1.3em; color: var(--good) }
        .warning .mark { color: var(--warning) }
        .failing .mark { color: var(--bad) }
        .problems { margin: .4rem 0 .6rem; padding: 0; list-style: none }
        .problems li { margin: .3rem 0; padding: .1rem 0 .1rem .7rem;
          border-left: 4px solid var(--warning); overflow-wrap: anywhere }
        .problems li.failing { border-left-color: var(--bad); font-weight: 600 }
        h2 { margin: 0 0 .2rem; font-size: 1.1rem; overflow-wrap: anywhere }
        h2 small { font-weight: 400 }
        p { margin: .3rem 0 }
        small { color: var(--soft); font-size: .85em; font-weight: 400 }
        .facts { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; color: var(--soft) }
        .facts b { color: var(--ink); font-weight: 600 }
        .discovery, .empty { color: var(--soft) }
        .discovery b { color: var(--ink); font-weight: 600 }
        .bad, .facts .bad b, .discovery b.bad, small.bad { color: var(--bad) }
        .rate, .share { color: var(--soft) }
        .share::before, .rate:not(:empty)::before { content: " · " }
        table { display: block; width: 100%; margin-top: .6rem; border-collapse: collapse }
        thead { position: absolute; width: 1px; height: 1px; overflow: hidden;
          clip-path: inset(50%) }
        tbody, tr { display: block }
        th, td { text-align: left; vertical-align: top; font-weight: 400 }
        tr { padding: .5rem 0; border-top: 1px solid var(--line) }
        tbody th { display: block; font-weight: 600; overflow-wrap: anywhere }
        tbody th small { margin-left: .6em }
        td { display: grid; grid-template-columns: 7.2rem 1fr; padding: .1rem 0;
          overflow-wrap: anywhere }
        td::before { content: attr(data-label); color: var(--soft) }
        td small { display: block }
        tr.tier { padding-bottom: .2rem }
        tr.tier th { color: var(--soft) }
        .state { display: inline-block; padding: 0 .5em; border: 1px solid currentColor;
          border-radius: 1em; font-size: .9em; font-weight: 600; color: var(--soft) }
        .up .state { color: var(--good) }
        .down .state, .ejected .state { color: var(--bad) }
        .draining .state, .checking .state { color: var(--warning) }
        meter { display: block; width: 100%; max-width: 9rem; height: 6px; margin-top: .25rem;
          border: 0; border-radius: 3px; background: var(--line) }
        meter::-webkit-meter-bar { height: 6px; border: 0; border-radius: 3px;
          background: var(--line) }
        meter::-webkit-meter-optimum-value { border-radius: 3px; background: var(--bar) }
        meter::-moz-meter-bar { border-radius: 3px; background: var(--bar) }
        @media (min-width: 50em) {
          table { display: table }
          thead { position: static; display: table-header-group; clip-path: none }
          tbody { display: table-row-group }
          tr { display: table-row }
          thead tr { border-top: 0 }
          th, tbody th, td { display: table-cell; padding: .4rem .9rem .4rem 0;
            border-top: 1px solid var(--line) }
          thead th { border-top: 0; padding-bottom: .1rem; color: var(--soft); font-size: .85em }
          td::before { content: none }
          tbody th { white-space: nowrap }
          tbody th small { display: block; margin-left: 0 }
          tr.tier th small { display: inline; margin-left: .6em }
          .journal th small { display: inline; margin-left: .6em }
          td[data-label="State"] { width: 34% }
        }

        """

    /// Fetches the page each second, moves what differs into this one (so that a selection and the
    /// reading position stay), and works out rates from two fetches. When no answer comes, it says
    /// that the figures are old.
    static let script: HTML = """

        'use strict';
        const main = document.querySelector('main'), stale = document.getElementById('stale');
        let counts = new Map(), at = 0, lostAt = null;
        function morph(old, now) {
          if (old.nodeName !== now.nodeName) { old.replaceWith(now); return; }
          if (old.nodeType !== 1) { if (old.data !== now.data) old.data = now.data; return; }
          for (const {name} of [...old.attributes])
            if (!now.hasAttribute(name)) old.removeAttribute(name);
          for (const {name, value} of now.attributes)
            if (old.getAttribute(name) !== value) old.setAttribute(name, value);
          const before = [...old.childNodes], after = [...now.childNodes];
          after.forEach((node, i) => before[i] ? morph(before[i], node) : old.append(node));
          before.slice(after.length).forEach(node => node.remove());
        }
        function rates(root) {
          const now = Number(root.dataset.at), next = new Map();
          for (const item of root.querySelectorAll('.rate')) {
            const count = Number(item.dataset.count), key = item.dataset.key;
            next.set(key, count);
            const rate = (count - counts.get(key)) / (now - at);
            if (at > 0 && now > at && rate >= 0)
              item.textContent = (rate < 10 ? rate.toFixed(1) : Math.round(rate)) + '/s';
          }
          counts = next;
          at = now;
        }
        async function refresh() {
          try {
            if (document.hidden) return;
            const answer = await fetch('/', {cache: 'no-store', signal: AbortSignal.timeout(4000)});
            if (!answer.ok) throw new Error('status ' + answer.status);
            const text = await answer.text(), end = '</main>';
            const part = text.slice(text.indexOf('<main'), text.indexOf(end) + end.length);
            const fresh = new DOMParser().parseFromString(part, 'text/html').querySelector('main');
            rates(fresh);
            morph(main, fresh);
            document.title = fresh.dataset.title;
            lostAt = null;
            stale.hidden = true;
            document.body.classList.remove('stale');
          } catch (error) {
            if (lostAt === null) {
              lostAt = new Date().toLocaleTimeString();
              stale.textContent = 'Fairlead has not answered since ' + lostAt
                + '. What is shown below is from before.';
              stale.hidden = false;
              document.body.classList.add('stale');
              document.title = '(?) Fairlead does not answer';
            }
          } finally {
            setTimeout(refresh, 1000);
          }
        }
        rates(main);
        setTimeout(refresh, 1000);

        """
}
