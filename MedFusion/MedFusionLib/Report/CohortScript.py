"""Style and script of the cohort's page."""

STYLE = """
:root { color-scheme: light dark; --text: #1a1a1a; --back: #fff; --line: #c8c8c8; --soft: #f2f2f2; }
@media (prefers-color-scheme: dark) {
  :root { --text: #eee; --back: #161616; --line: #4a4a4a; --soft: #242424; } a { color: #9cc4ff; }
}
* { box-sizing: border-box; }
body { font: 15px/1.4 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: var(--text);
       background: var(--back); margin: 0; padding: 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .2rem; } p { margin: .3rem 0; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem 2rem; margin: .8rem 0; } figure { margin: 0; }
.plots svg { width: 260px; height: 56px; border-bottom: 1px solid var(--text); display: block; fill: #4a7fb5; }
figcaption { font-size: .8rem; }
.controls { display: flex; flex-wrap: wrap; gap: .5rem 1.2rem; align-items: center; margin: .8rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
thead th { position: sticky; top: 0; background: var(--soft); white-space: nowrap; }
thead button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: 0; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
tbody tr { content-visibility: auto; contain-intrinsic-size: auto 132px; }
.status { font-weight: 700; padding: .05rem .4rem; border-radius: .2rem; border: 2px solid; white-space: nowrap; }
.confirmed { color: #0b5d1e; background: #e3f6e6; } .doubtful { color: #6b4200; background: #fff1d0; }
.failed, .missing { color: #8a1111; background: #fde4e4; }
.outlier { background: #fff1d0; color: #4a2f00; } .flag { font-weight: 700; font-size: .8rem; }
img { background: #000; display: block; } details ul { margin: .2rem 0; padding-left: 1.1rem; max-width: 26rem; }
:focus-visible { outline: 3px solid #4a7fb5; outline-offset: 1px; } .note { font-size: .85rem; }
"""

SCRIPT = """
"use strict";
const body = document.querySelector("#subjects tbody"), rows = Array.from(body.rows);
const key = "medfusion-review:" + document.body.dataset.cohort;
let marks = {};
try { marks = JSON.parse(localStorage.getItem(key)) || {}; } catch (error) { marks = {}; }
const field = id => document.getElementById(id);

function keep() { try { localStorage.setItem(key, JSON.stringify(marks)); } catch (error) { /* a private window */ } }

function filter() {
  const text = field("search").value.toLowerCase(), status = field("status").value, marked = field("marked").value;
  let shown = 0;
  for (const row of rows) {
    const mark = (marks[row.dataset.name] || {}).mark || "none";
    const fits = (!status || row.dataset.status === status) && (!marked || mark === marked)
      && (!text || row.textContent.toLowerCase().includes(text));
    row.hidden = !fits;
    shown += fits;
  }
  field("shown").textContent = shown + " of " + rows.length + " shown";
}

function sortBy(column, header) {
  const rising = header.getAttribute("aria-sort") !== "ascending";
  for (const other of header.parentNode.querySelectorAll("[aria-sort]")) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", rising ? "ascending" : "descending");
  const order = row => row.cells[column].dataset.order;
  const numeric = rows.every(row => order(row) === "" || !isNaN(order(row)));
  const compare = (a, b) => numeric ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
  rows.sort((a, b) => {
    const first = order(a), second = order(b);
    if (first === "" || second === "") return (first === "") - (second === "");
    return rising ? compare(first, second) : compare(second, first);
  });
  body.append(...rows);
}

for (const row of rows) {
  const mark = row.querySelector(".mark"), remark = row.querySelector(".remark"), name = row.dataset.name;
  mark.value = (marks[name] || {}).mark || "";
  remark.value = (marks[name] || {}).note || "";
  const changed = () => { marks[name] = { mark: mark.value, note: remark.value }; keep(); filter(); };
  mark.addEventListener("change", changed);
  remark.addEventListener("change", changed);
}
for (const button of document.querySelectorAll("thead button"))
  button.addEventListener("click", () => sortBy(button.parentNode.cellIndex, button.parentNode));
for (const id of ["search", "status", "marked"]) field(id).addEventListener("input", filter);
document.querySelector("form").addEventListener("submit", event => event.preventDefault());
field("export").addEventListener("click", () => {
  const clean = text => text.replace(/[\\t\\r\\n]+/g, " ");
  const lines = rows.map(row => row.dataset.name).sort()
    .filter(name => marks[name] && (marks[name].mark || marks[name].note))
    .map(name => [name, marks[name].mark, clean(marks[name].note)].join("\\t"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["subject\\tmark\\tnote\\n" + lines.map(line => line + "\\n").join("")]));
  link.download = "review.tsv";
  link.click();
});
filter();
"""
