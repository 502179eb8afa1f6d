"use strict";
// The page is complete without this script; it sorts tables, shows one part at a time and
// filters the list of runs.

document.documentElement.classList.add("scripted");

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("table.sortable").forEach(makeSortable);
  if (!document.getElementById("start")) return; // a page of tables alone
  startFilter();
  document.querySelectorAll(".compared").forEach(startPick);
  window.addEventListener("hashchange", showPart);
  showPart();
});

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
  if (kind !== "number") return (cell.firstElementChild ?? cell).textContent.trim(); // without marks
  return cell.dataset.order === undefined ? null : Number(cell.dataset.order);
}

// ------------------------------------------------------------------ one part at a time

let shownPart = null;
let startScroll = 0; // where the reader was on the first page, to come back to

function showPart() {
  const name = location.hash.slice(1) || "start";
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

// ------------------------------------------------------------------ two methods chosen

// Leaves the pairs with the methods chosen, and the clips that the two of them differ on.
function startPick(part) {
  const pick = part.querySelector(".pick");
  const choices = [...pick.querySelectorAll("select")];
  pick.hidden = false;
  pick.addEventListener("change", () => {
    const chosen = choices.map((choice) => choice.value).filter(Boolean);
    for (const row of part.querySelectorAll("tr[data-places]")) {
      const places = row.dataset.places.split(" ");
      row.hidden = !chosen.every((place) => places.includes(place));
    }
    const two = new Set(chosen).size === 2;
    for (const row of part.querySelectorAll(".clips tr")) {
      const cells = [...row.cells].slice(1);
      cells.forEach((cell, place) => { cell.hidden = two && !chosen.includes(String(place)); });
      const [one, other] = chosen.map((place) => cells[place].style.cssText);
      row.hidden = two && row.parentElement.tagName === "TBODY" && one === other;
    }
  });
}
