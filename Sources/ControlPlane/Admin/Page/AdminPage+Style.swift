// The page's style: one column of cards on a phone, tables from 60 em on. Explicit roles in the
// markup keep the tables' meaning for screen readers when CSS takes their display away.

extension AdminPage {
    static let style = #"""

        :root { color-scheme: light dark; --ground: #f4f6f8; --card: #fff; --ink: #1b1f24;
          --soft: #57606a; --line: #d8dee4; --good: #1a7f37; --warning: #8a5a00; --bad: #b91c24;
          --bar: #3f74b5; --fill: #3f74b533 }
        @media (prefers-color-scheme: dark) { :root { --ground: #0f1318; --card: #181d24;
          --ink: #e6eaef; --soft: #9aa5b1; --line: #2e3640; --good: #4cc26a; --warning: #e0b13c;
          --bad: #ff7b78; --bar: #6b9fd8; --fill: #6b9fd833 } }
        * { box-sizing: border-box }
        body { margin: 0; background: var(--ground); color: var(--ink);
          font: 15px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums }
        main { max-width: 84rem; margin: 0 auto; padding: .8rem; outline: none }
        .stale main { opacity: .55 }
        .skip { position: absolute; left: -99rem }
        .skip:focus { left: .5rem; top: .5rem; z-index: 3; padding: .4rem .8rem;
          background: var(--card) }
        #stale, #said { position: sticky; top: 0; z-index: 1; margin: 0; padding: .6rem 1rem;
          font-weight: 600; background: var(--bad); color: var(--card) }
        #said { background: var(--bar) }
        #said.bad { background: var(--bad) }
        [hidden] { display: none !important }
        header, section, #login, #sure { background: var(--card); border: 1px solid var(--line);
          border-radius: 10px; padding: .8rem 1rem; margin-bottom: .8rem; min-width: 0 }
        #sure { position: sticky; top: .5rem; z-index: 2; max-width: 40rem; margin: 1rem auto;
          border: 2px solid var(--bad) }
        #login { max-width: 30rem; margin: 1rem auto; display: grid; gap: .6rem }
        header { border-top: 6px solid var(--line) }
        header.good { border-top-color: var(--good) }
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
        p { margin: .3rem 0 }
        small { color: var(--soft); font-size: .85em; font-weight: 400 }
        .facts { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; color: var(--soft) }
        .facts b { color: var(--ink); font-weight: 600 }
        .sources, .empty { margin: .3rem 0; padding: 0; list-style: none; color: var(--soft);
          overflow-wrap: anywhere }
        .sources b { color: var(--ink); font-weight: 600 }
        details { color: var(--soft) }
        summary { cursor: pointer }
        .bad, .facts .bad b, .sources b.bad, small.bad { color: var(--bad) }
        .charts { display: grid; grid-template-columns: 1fr; gap: .6rem; margin: .5rem 0 }
        figure { margin: 0; min-width: 0 }
        figcaption { color: var(--soft); font-size: .85em }
        svg.chart { display: block; width: 100%; height: 56px; border-bottom: 1px solid var(--line) }
        .chart path { fill: var(--fill); stroke: var(--bar); stroke-width: 1.5;
          vector-effect: non-scaling-stroke }
        .errors .chart path { fill: none; stroke: var(--bad) }
        svg.strip { display: block; width: 100%; max-width: 242px; height: 14px }
        .strip .room { fill: var(--line) }
        .strip .passed { fill: var(--good); opacity: .75 }
        .strip .failed { fill: var(--bad) }
        .share { display: block; width: 100%; max-width: 7rem; height: 6px; margin-top: .25rem }
        .share .all { fill: var(--line) }
        .share .part { fill: var(--bar) }
        button, select, input { font: inherit; color: inherit; background: var(--card);
          border: 1px solid var(--soft); border-radius: 6px; padding: .25rem .7rem }
        button { cursor: pointer }
        button:hover { border-color: var(--bar); color: var(--bar) }
        :focus-visible { outline: 3px solid var(--bar); outline-offset: 1px }
        #filter { display: flex; flex-wrap: wrap; gap: .4rem 1rem; margin: .3rem 0 .6rem }
        #filter input { width: 14rem; max-width: 100% }
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
        td:empty { display: none }
        tr.tier { padding-bottom: .2rem }
        tr.tier th { color: var(--soft) }
        .state { display: inline-block; padding: 0 .5em; border: 1px solid currentColor;
          border-radius: 1em; font-size: .9em; font-weight: 600; color: var(--soft) }
        .up .state { color: var(--good) }
        .down .state, .ejected .state { color: var(--bad) }
        .draining .state, .checking .state { color: var(--warning) }
        ol.journal { margin: 0; padding: 0 0 0 .35rem; list-style: none }
        ol.journal li { position: relative; padding: .25rem 0 .25rem 1rem;
          border-left: 2px solid var(--line); overflow-wrap: anywhere }
        ol.journal li::before { content: ""; position: absolute; left: -6px; top: .65rem;
          width: 10px; height: 10px; border-radius: 50%; background: var(--soft) }
        ol.journal li.up::before { background: var(--good) }
        ol.journal li.down::before { background: var(--bad) }
        ol.journal li.draining::before { background: var(--warning) }
        ol.journal time { color: var(--soft); margin-right: .6em }
        ol.journal b { font-weight: 600; margin-right: .6em }
        @media (min-width: 60em) {
          .charts { grid-template-columns: 1fr 1fr }
          table { display: table }
          thead { position: static; display: table-header-group; clip-path: none }
          tbody { display: table-row-group }
          tr { display: table-row }
          thead tr { border-top: 0 }
          th, tbody th, td { display: table-cell; padding: .4rem .9rem .4rem 0;
            border-top: 1px solid var(--line) }
          td:empty { display: table-cell }
          thead th { border-top: 0; padding-bottom: .1rem; color: var(--soft); font-size: .85em }
          td::before { content: none }
          td[data-label="Checks"] { min-width: 15rem }
          tbody th { white-space: nowrap }
          tbody th small { display: block; margin-left: 0 }
          tr.tier th small { display: inline; margin-left: .6em }
          td[data-label="State"] { width: 26% }
        }
        @media (prefers-contrast: more) { :root { --soft: var(--ink); --line: var(--ink) } }

        """#
}
