"""The look of the report page: one style sheet, light and dark, colours of Okabe and Ito (2008)."""

STYLE = """
:root { --back: #ffffff; --fore: #1b1f24; --dim: #5a636d; --grid: #e1e5ea; --card: #f6f8fa; --edge: #8a949e;
  --c0: #009e73; --c1: #e69f00; --c2: #d55e00; --c3: #8f8f99; --c4: #0072b2; --c5: #cc79a7; --c6: #56b4e9;
  --c7: #1b1f24;
  color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  :root { --back: #15181c; --fore: #e8ebee; --dim: #a3adb8; --grid: #2b3138; --card: #1c2026; --edge: #6b7580;
    --c0: #1fbf90; --c3: #92929c; --c4: #4ba3e3; --c7: #e8ebee; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--back); color: var(--fore);
  font: 16px/1.45 system-ui, sans-serif; }
body.english .uk, body.ukrainian .en { display: none; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: baseline; justify-content: space-between; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 0 0 .4rem; }
.lead { font-size: 1.15rem; margin: .6rem 0 1rem; } .lead b { font-size: 1.7rem; }
.dim, summary { color: var(--dim); }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1rem; }
section { background: var(--card); border: 1px solid var(--grid); border-radius: .5rem; padding: .8rem; min-width: 0; }
section.wide { grid-column: 1 / -1; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--fore); font: 13px system-ui, sans-serif; } svg .tick { fill: var(--dim); }
svg .inbar { fill: #ffffff; font-weight: 700; paint-order: stroke; stroke: #00000099; stroke-width: 2px; }
.grid { stroke: var(--grid); fill: none; } .axis { stroke: var(--edge); fill: none; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .dashed { stroke-dasharray: 6 4; }
.dot { stroke: var(--card); stroke-width: .5; }
.c0 { fill: var(--c0); } .c1 { fill: var(--c1); } .c2 { fill: var(--c2); } .c3 { fill: var(--c3); }
.c4 { fill: var(--c4); } .c5 { fill: var(--c5); } .c6 { fill: var(--c6); } .c7 { fill: var(--c7); }
.s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); } .s3 { stroke: var(--c3); }
.s4 { stroke: var(--c4); } .s5 { stroke: var(--c5); } .s6 { stroke: var(--c6); } .s7 { stroke: var(--c7); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .2rem 0 .5rem; padding: 0; list-style: none;
  font-size: .88rem; }
.legend svg { display: inline-block; width: 1rem; height: .8rem; margin-right: .35rem; vertical-align: -.05rem; }
button, select, input { font: inherit; color: inherit; }
button, select { background: var(--back); border: 1px solid var(--edge); border-radius: .3rem; padding: .25rem .7rem;
  min-height: 2.2rem; }
:focus-visible { outline: 3px solid var(--c4); outline-offset: 2px; }
.controls { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin-top: .5rem; }
.controls input { flex: 1 1 12rem; min-width: 8rem; } .controls output { font-variant-numeric: tabular-nums; }
canvas { display: block; width: 100%; height: 62vh; min-height: 18rem; max-height: 44rem; background: var(--back);
  border: 1px solid var(--grid); }
details { margin-top: .5rem; font-size: .88rem; } dt { font-weight: 600; margin-top: .3rem; } dd { margin: 0 0 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .15rem .7rem .15rem 0; border-bottom: 1px solid var(--grid); vertical-align: top; }
td.n { text-align: right; white-space: nowrap; }
@media (prefers-reduced-motion: reduce) { * { scroll-behavior: auto; } }
"""
