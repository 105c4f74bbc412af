"""How the report looks: on a screen, in the dark, on a phone and on paper."""

STYLE = """
:root { color-scheme: light dark; --text: #1a1a1a; --soft: #3d3d3d; --back: #fff; --line: #c9c9c9; --strong: #1a1a1a;
        --panel: #f3f3f3; --link: #0b4f9c; --confirmed: #0b5d1e; --confirmed-back: #e3f6e6;
        --doubtful: #6b4200; --doubtful-back: #fff1d0; --not-confirmed: #8a1111; --not-confirmed-back: #fde4e4; }
* { box-sizing: border-box; }
body { font: 16px/1.45 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: var(--text);
       background: var(--back); max-width: 72rem; margin: 0 auto; padding: 1rem 1.5rem; }
h1 { font-size: 1.45rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.2rem; margin: 1.8rem 0 .5rem; border-bottom: 2px solid var(--strong); padding-bottom: .15rem; }
h3 { font-size: 1rem; margin: 1.1rem 0 .3rem; }
p { margin: .4rem 0; max-width: 52rem; } p, li, dd { overflow-wrap: anywhere; }
ul { margin: .3rem 0; padding-left: 1.2rem; } li { margin: .15rem 0; max-width: 52rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0; font-size: .92rem; font-variant-numeric: tabular-nums; }
th { font-weight: 600; border-bottom: 1px solid var(--soft); }
th, td { text-align: left; padding: .22rem 1.1rem .22rem 0; vertical-align: top; }
td, tbody th { border-bottom: 1px solid var(--line); } .number { text-align: right; }
.head { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem 1.2rem; }
.identity { display: flex; flex-wrap: wrap; gap: .1rem 1.6rem; margin: .4rem 0 .6rem; font-size: .9rem; }
.identity div { display: flex; gap: .4rem; } .identity dt { color: var(--soft); } .identity dd { margin: 0; }
.verdict { display: flex; gap: .9rem; align-items: baseline; border: 2px solid; border-left-width: 10px;
           padding: .35rem .8rem; margin: .4rem 0; break-inside: avoid; }
.verdict strong { flex: none; font-size: 1.05rem; } .verdict p { margin: 0; color: var(--text); max-width: none; }
.confirmed { color: var(--confirmed); border-color: var(--confirmed); background: var(--confirmed-back); }
.doubtful { color: var(--doubtful); border-color: var(--doubtful); background: var(--doubtful-back); }
.not-confirmed { color: var(--not-confirmed); border-color: var(--not-confirmed);
                 background: var(--not-confirmed-back); }
.first { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 30rem); gap: .5rem 1.6rem;
         align-items: start; }
.first th, .first td { padding-right: .7rem; } .first .number { white-space: nowrap; }
.figures { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: .5rem 0; align-items: baseline; }
.figures dt { color: var(--soft); } .figures dd { margin: 0; font-size: 1.15rem; font-weight: 600; }
.figures dd small { font-size: .82rem; font-weight: 400; color: var(--soft); }
.check { border-left: 4px solid var(--strong); padding: .1rem 0 .1rem .8rem; margin: .6rem 0; }
.check h2 { border: 0; margin: 0; padding: 0; font-size: 1rem; }
.pictures { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .6rem; margin: .5rem 0; }
.pictures.four { grid-template-columns: repeat(4, minmax(0, 1fr)); }
.pictures.six { grid-template-columns: repeat(6, minmax(0, 1fr)); }
.pictures.one { grid-template-columns: minmax(0, 1fr); margin: 0; }
.pictures.two { grid-template-columns: repeat(2, minmax(0, 1fr)); width: 34rem; max-width: 100%; }
figure { margin: 0; break-inside: avoid; }
figure > div { position: relative; background: #000; line-height: 0; }
figure img { width: 100%; display: block; }
.side { position: absolute; top: 50%; transform: translateY(-50%); padding: 0 .2rem; color: #fff; line-height: 1.2;
        font-size: .8rem; font-weight: 600; background: rgba(0, 0, 0, .6); }
.left { left: 0; } .right { right: 0; } .top { top: .1rem; left: 50%; transform: translateX(-50%); }
.mark { position: absolute; transform: translate(-50%, -50%); padding: 0 .3rem; color: #fff; font-weight: 700;
        line-height: 1.25; background: rgba(0, 0, 0, .75); border-radius: .3rem; }
figcaption::first-letter { text-transform: uppercase; }
figcaption { font-size: .82rem; line-height: 1.3; color: var(--soft); padding: .2rem 0 .3rem; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; list-style: none; padding: 0; font-size: .85rem; }
.legend i { display: inline-block; width: 1.1rem; height: .7rem; margin-right: .4rem; border: 1px solid #777;
            print-color-adjust: exact; -webkit-print-color-adjust: exact; }
details { margin: .5rem 0; } details:not([open]) > :not(summary) { display: none; }
summary { cursor: pointer; font-weight: 600; }
.beside { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 0 3rem; }
nav { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; font-size: .9rem; margin: .5rem 0; }
nav a { color: var(--link); }
.note { font-size: .86rem; color: var(--soft); max-width: none; margin: 0; }
code { overflow-wrap: anywhere; font-size: .8rem; } footer { margin-top: 1.2rem; }
a:focus-visible, summary:focus-visible, .wide:focus-visible { outline: 3px solid #4a7fb5; outline-offset: 1px; }
@media screen and (prefers-color-scheme: dark) {
  :root { --text: #ececec; --soft: #c4c4c4; --back: #161616; --line: #474747; --strong: #ececec; --panel: #242424;
          --link: #9cc4ff; --confirmed: #8fe0a2; --confirmed-back: #10301a; --doubtful: #ffd27a;
          --doubtful-back: #372600;
          --not-confirmed: #ffa7a0; --not-confirmed-back: #3d1210; }
}
@media screen and (max-width: 50rem) {
  body { padding: .7rem; } .first, .pictures { grid-template-columns: minmax(0, 1fr); }
  .pictures.four, .pictures.two, .pictures.six { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .verdict { flex-direction: column; gap: 0; }
  .figures { grid-template-columns: minmax(0, 1fr); gap: 0; } .figures dd { margin-bottom: .35rem; }
}
@media print {
  :root { color-scheme: light; }
  html { font-size: 8.5pt; } body { font-size: 1rem; padding: 0; max-width: none; }
  h2 { break-after: avoid; margin-top: .9rem; } h3, h2 + p, h3 + p { break-after: avoid; }
  p, tr, li, .beside { break-inside: avoid; } main + footer { break-before: avoid; }
  th, td { padding: .1rem .8rem .1rem 0; } table { font-size: .9em; margin: .3rem 0; }
  thead { display: table-header-group; } .short { break-inside: avoid; }
  .first { grid-template-columns: minmax(0, 1fr) minmax(0, 82mm); }
  .pictures { gap: 2mm; max-width: 162mm; } .pictures.four, .pictures.six { max-width: none; }
  nav { display: none; } .pictures.two { width: 88mm; } summary::marker { content: none; }
  details:not([open]) { display: none; } figcaption { padding: 0; } .wide { overflow: visible; }
  .verdict, figure > div { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
