// How a page looks, in light and in dark.
#pragma once

namespace examples {

inline constexpr const char* html_style = R"css(
:root { color-scheme: light dark; --page: #f6f6f3; --card: #ffffff; --ink: #14140f; --soft: #5b5a54; --line: #dddcd4;
  --first: #2a78d6; --second: #d9662c; --good: #1b7a34; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #111110; --card: #1b1b19; --ink: #f4f4f0; --soft: #b5b4aa;
  --line: #383834; --first: #4a93ea; --second: #e07a45; --good: #5fc47c; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
main { max-width: 1320px; margin: 0 auto; padding: 24px 20px 40px; }
h1 { font-size: 24px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 34px 0 10px; }
.path, .note, footer { color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
.path { margin: 2px 0 18px; }
.tiles, dl { display: grid; gap: 12px; margin: 0 0 12px; }
.tiles { grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); }
.tile, dl, figure, .wide { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.tile { padding: 12px 16px; }
.tile strong { display: block; font-size: 24px; line-height: 1.25; font-weight: 600; }
.tile span { color: var(--soft); font-size: 13px; }
dl { grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); padding: 12px 16px; }
dt { color: var(--soft); font-size: 13px; }
dd { margin: 0; overflow-wrap: anywhere; }
.charts { display: grid; gap: 12px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); }
figure { margin: 0; padding: 12px 14px; }
figcaption { margin-bottom: 6px; }
.key { color: var(--soft); font-size: 13px; margin-left: 14px; }
.key::before { content: ""; display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 5px; }
.key.first::before { background: var(--first); }
.key.second::before { background: var(--second); }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg text { fill: var(--ink); }
svg .name { text-anchor: end; }
svg .tick, svg .axis { text-anchor: middle; fill: var(--soft); }
svg .value { font-size: 10px; fill: var(--soft); }
svg .grid, svg .base { stroke: var(--line); stroke-width: 1; }
svg .base { stroke: var(--soft); }
svg .first { fill: var(--first); }
svg .second { fill: var(--second); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 10px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
tbody tr:last-child > *, tfoot tr > * { border-bottom: 0; }
tfoot tr > * { border-top: 2px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; }
#layers td, #layers tbody th { white-space: nowrap; }
.number, .share { text-align: right; }
#layers td.kernel { color: var(--soft); white-space: normal; overflow-wrap: break-word; }
.share > div { display: flex; align-items: center; justify-content: flex-end; gap: 8px; }
.share-track { flex: 1; min-width: 56px; height: 8px; border-radius: 2px; background: var(--line); }
.share-bar { height: 8px; border-radius: 2px; background: var(--first); }
#images .wide { width: fit-content; max-width: 100%; }
#images th, #images td { padding: 3px 14px; }
#images tbody .image { overflow-wrap: anywhere; min-width: 60px; }
#images td { white-space: nowrap; }
.right { color: var(--good); }
.wrong { color: var(--bad); font-weight: 600; }
footer { margin-top: 30px; }
@media print { body { background: none; } figure, tr { break-inside: avoid; } }
)css";

}  // namespace examples
