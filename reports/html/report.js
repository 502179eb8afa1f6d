"use strict";
// The page is complete without this script; it sorts tables, shows one part at a time,
// filters the list of runs and compares two of them. Text reaches the page as text nodes only.

document.documentElement.classList.add("scripted");

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("table.sortable").forEach(makeSortable);
  if (!document.getElementById("data")) return; // a page of tables alone
  startFilter();
  startComparison();
  window.addEventListener("hashchange", showPart);
  showPart();
});

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// ------------------------------------------------------------------ sorting

const NEXT_ORDER = { none: "ascending", ascending: "descending", descending: "none" };

function makeSortable(table) {
  const original = units(table.tBodies[0]);
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const order = NEXT_ORDER[head.getAttribute("aria-sort")];
      heads.forEach((other) => other.hasAttribute("aria-sort") && other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", order);
      table.classList.toggle("sorted", order !== "none");
      const sorted = order === "none" ? original : sortedUnits(original, column, head.dataset.kind, order);
      table.tBodies[0].append(...sorted.flat());
    });
  });
}

// Rows that move together: a row, and those that belong below it.
function units(body) {
  const found = [];
  for (const row of body.rows) {
    if (row.dataset.follows !== undefined && found.length) found.at(-1).push(row);
    else found.push([row]);
  }
  return found;
}

// Whatever the order, rows without a value come last.
function sortedUnits(all, column, kind, order) {
  const value = ([row]) => cellValue(row.cells[column], kind);
  const sign = order === "ascending" ? 1 : -1;
  const compare = kind === "number"
    ? (a, b) => a - b
    : (a, b) => a.localeCompare(b, undefined, { numeric: true });
  const known = all.filter((unit) => value(unit) !== null);
  const unknown = all.filter((unit) => value(unit) === null);
  return [...known.sort((a, b) => sign * compare(value(a), value(b))), ...unknown];
}

function cellValue(cell, kind) {
  if (kind !== "number") return cell.textContent.trim();
  return cell.dataset.order === undefined ? null : Number(cell.dataset.order);
}

// ------------------------------------------------------------------ one part at a time

const COMPARE = "#compare";
let shownPart = null;
let startScroll = 0; // where the reader was on the first page, to come back to

function showPart() {
  const hash = location.hash;
  if (hash.startsWith(COMPARE)) chooseRuns(hash);
  const name = hash.startsWith(COMPARE) ? "compare" : hash.slice(1) || "start";
  const start = document.getElementById("start");
  const target = document.getElementById(name) || start;
  const part = target.closest(".page") || shownPart || start;
  if (shownPart === start && part !== shownPart) startScroll = scrolled;
  const changed = part !== shownPart;
  document.querySelectorAll(".page").forEach((page) => page.classList.toggle("shown", page === part));
  shownPart = part;
  if (target !== part && part.contains(target)) target.scrollIntoView();
  else if (changed) window.scrollTo(0, part === start ? startScroll : 0);
  if (changed && target === part && location.hash) part.querySelector("h1").focus({ preventScroll: true });
}

let scrolled = 0;
window.addEventListener("scroll", () => {
  if (shownPart?.classList.contains("shown")) scrolled = window.scrollY;
}, { passive: true });

// ------------------------------------------------------------------ the list of runs

function startFilter() {
  const input = document.getElementById("filter");
  if (!input) return;
  const rows = [...document.getElementById("run-list").tBodies[0].rows];
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const left = rows.filter((row) => !row.hidden).length;
    document.getElementById("shown").value = `${left} of ${rows.length} runs`;
  });
}

// ------------------------------------------------------------------ two runs beside each other

let runs = new Map();

function startComparison() {
  const data = JSON.parse(document.getElementById("data").textContent);
  runs = new Map(data.map((run) => [run.id, run]));
  for (const name of ["run-a", "run-b"]) {
    document.getElementById(name)?.addEventListener("change", () => {
      location.hash = `${COMPARE}/${chosen("run-a")}/${chosen("run-b")}`;
    });
  }
}

const chosen = (name) => document.getElementById(name).value;

// The address names the runs: #compare/run-.../run-...
function chooseRuns(hash) {
  if (runs.size < 2) return;
  const [, first, second] = hash.split("/");
  const names = [...runs.keys()];
  const a = runs.has(first) ? first : names[0];
  const others = names.filter((name) => name !== a);
  const alike = others.find((name) => runs.get(name).place === runs.get(a).place);
  const b = runs.has(second) ? second : alike ?? others[0];
  document.getElementById("run-a").value = a;
  document.getElementById("run-b").value = b;
  document.getElementById("comparison").replaceChildren(...comparison(runs.get(a), runs.get(b)));
}

function comparison(a, b) {
  const clipsA = clipsOf(a), clipsB = clipsOf(b);
  const obstacles = obstaclesBetween(a, b, clipsA, clipsB);
  const comparable = obstacles.length === 0;
  const parts = [warnings(a, b, obstacles), ...settingsParts(a, b), ...scoreParts(a, b, comparable)];
  parts.push(...subjectParts(a, b, comparable));
  if (comparable) parts.push(...agreementParts(a, b, clipsA, clipsB));
  return parts;
}

// Clip -> [true, predicted]; a clip's name is unique within its subject.
function clipsOf(run) {
  const entries = run.subjects.flatMap((subject) =>
    Object.entries(subject.clips).map(([clip, labels]) => [`${subject.name}: ${clip}`, labels]));
  return new Map(entries);
}

function obstaclesBetween(a, b, clipsA, clipsB) {
  const found = [];
  if (a === b) found.push("This is one run, chosen twice.");
  if (a.place !== b.place) found.push(`The clips differ: ${a.place} and ${b.place}.`);
  const onlyA = [...clipsA.keys()].filter((clip) => !clipsB.has(clip)).length;
  const onlyB = [...clipsB.keys()].filter((clip) => !clipsA.has(clip)).length;
  if (onlyA || onlyB) found.push(`The clips differ: ${onlyA} predicted by A alone, ${onlyB} by B alone.`);
  else if (a.place === b.place && a.fingerprint !== b.fingerprint) {
    found.push("The clips differ: same names, but another fingerprint of content and labels.");
  }
  if (clipsA.size === 0 && clipsB.size === 0) found.push("Neither run has a prediction yet.");
  const common = [...clipsA.keys()].filter((clip) => clipsB.has(clip));
  const relabelled = common.filter((clip) => clipsA.get(clip)[0] !== clipsB.get(clip)[0]).length;
  if (relabelled || a.classes.join("\n") !== b.classes.join("\n")) {
    found.push(`The labels differ: on ${relabelled} clips; classes ${a.classes.join(", ")} and ${b.classes.join(", ")}.`);
  }
  for (const key of Object.keys(a.protocol)) {
    if (a.protocol[key] !== b.protocol[key]) {
      found.push(`The protocols differ: ${key} is ${a.protocol[key]} in A, ${b.protocol[key]} in B.`);
    }
  }
  return found;
}

function warnings(a, b, obstacles) {
  const lines = obstacles.map((text) => element("li", {}, text));
  if (lines.length) lines.push(element("li", {}, "So no difference of scores is shown."));
  else if (a.leaky !== b.leaky) {
    lines.push(element("li", {}, `Run ${a.leaky ? "A" : "B"} is leaky, the other is not: held-out subjects had a part in its architecture.`));
  }
  return element("ul", { className: "troubles", id: "warnings", role: "status", hidden: !lines.length }, ...lines);
}

function settingsParts(a, b) {
  const keys = [...new Set([...Object.keys(a.settings), ...Object.keys(b.settings)])];
  const differing = keys.filter((key) => a.settings[key] !== b.settings[key]);
  const rows = differing.map((key) => [key, written(a.settings[key]), written(b.settings[key])]);
  const body = rows.length ? table("settings", ["Setting", "A", "B"], rows) : element("p", {}, "The configurations are the same.");
  return [element("h2", {}, "Configuration"), body];
}

const written = (value) => (value === undefined ? "not a setting there" : value === "" ? "(empty)" : String(value));
const score = (value) => (value === null || value === undefined ? "n/a" : value.toFixed(4));
const signed = (value, digits) => (value < 0 ? "−" : value > 0 ? "+" : "") + Math.abs(value).toFixed(digits);

function scoreParts(a, b, comparable) {
  const rows = [];
  for (const name of new Set([...a.scores, ...b.scores].map((row) => row[0]))) {
    const [inA, inB] = [a, b].map((run) => run.scores.find((row) => row[0] === name) || []);
    a.metrics.forEach((metric, place) => {
      const [x, y] = [inA[place + 1], inB[place + 1]];
      const known = comparable && Number.isFinite(x) && Number.isFinite(y);
      rows.push([`${metric}, ${name}`, number(score(x), x), number(score(y), y),
        ...(comparable ? [number(known ? signed(y - x, 4) : "n/a", known ? y - x : null)] : [])]);
    });
  }
  const heads = ["Score", "A", "B", ...(comparable ? ["B − A"] : [])];
  const body = rows.length ? table("scores", heads, rows) : element("p", {}, "Neither run has scores yet.");
  return [element("h2", {}, "Scores"), body];
}

function subjectParts(a, b, comparable) {
  const names = [...new Set([...a.subjects, ...b.subjects].map((subject) => subject.name))];
  if (!names.length) return [];
  const rows = names.map((name) => {
    const [x, y] = [a, b].map((run) => rightOf(run.subjects.find((subject) => subject.name === name)));
    const difference = comparable ? [number(signed(y.right - x.right, 0), y.right - x.right)] : [];
    return [name, number(x.text, x.right), number(y.text, y.right), ...difference];
  });
  const heads = ["Subject", "A: clips right", "B: clips right", ...(comparable ? ["B − A"] : [])];
  return [element("h2", {}, "Subjects"), table("subjects", heads, rows)];
}

function rightOf(subject) {
  if (!subject) return { text: "n/a", right: null };
  const labels = Object.values(subject.clips);
  const right = labels.filter(([truth, predicted]) => truth === predicted).length;
  return { text: `${right} of ${labels.length}`, right };
}

const OUTCOMES = ["both right", "only A right", "only B right", "both wrong"];

function agreementParts(a, b, clipsA, clipsB) {
  const counts = [0, 0, 0, 0];
  const rows = [];
  for (const [clip, [truth, inA]] of clipsA) {
    const inB = clipsB.get(clip)[1];
    const outcome = (inA === truth ? 0 : 2) + (inB === truth ? 0 : 1);
    counts[outcome] += 1;
    if (inA !== inB) rows.push([clip, ...[truth, inA, inB].map((label) => a.classes[label] ?? label), OUTCOMES[outcome]]);
  }
  const summary = table("agreement", OUTCOMES, [counts.map((count) => number(String(count), count))]);
  const list = rows.length
    ? table("disagreements", ["Clip", "True", "A says", "B says", "Outcome"], rows)
    : element("p", {}, "The runs predict the same class for every clip.");
  return [element("h2", {}, "Clips"), summary, element("h3", {}, `Clips on which they disagree: ${rows.length}`), list];
}

const number = (text, order) => ({ text, order });

// A sortable table of texts and numbers ({text, order}; without an order they come last).
function table(id, heads, rows) {
  const numeric = heads.map((_, column) => rows.length > 0 && typeof rows[0][column] === "object");
  const head = element("tr", {}, ...heads.map((text, column) => {
    const cell = element("th", { scope: "col" }, element("button", { type: "button" }, text));
    cell.setAttribute("aria-sort", "none");
    cell.dataset.kind = numeric[column] ? "number" : "text";
    return cell;
  }));
  const body = rows.map((row) => element("tr", {}, ...row.map(cellOf)));
  const made = element("table", { id: `compared-${id}`, className: "sortable" }, element("thead", {}, head), element("tbody", {}, ...body));
  makeSortable(made);
  return element("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: id }, made);
}

function cellOf(value) {
  if (typeof value !== "object") return element("td", {}, String(value));
  const cell = element("td", { className: "number" }, value.text);
  if (value.order !== null && value.order !== undefined) cell.dataset.order = value.order;
  return cell;
}
