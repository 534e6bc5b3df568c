// Puts what has changed into the rows on screen. Nothing moves or goes under a pointer that is over the rows, beside an
// open menu or a selection: what it says changes at once, where it stands waits, and the line above the rows says so.
import { morph } from "./morph.js";
import { rowOf } from "./page.js";

const MARKED_MS = 2500;
let order = null;
let pointed = false;
let tell = () => {};

const body = () => document.querySelector("#list tbody");
const rowsOf = (place) => [...(place?.querySelectorAll(":scope > tr[data-key]") || [])];
const parsed = (html) => new DOMParser().parseFromString(html, "text/html");

// Gives the marks of the rows on screen: what of them the server need not send.
export const shown = () => rowsOf(body()).map((row) => row.dataset.mark);

export function apply(frame) {
  for (const [name, html] of Object.entries(frame)) {
    if (name.startsWith("#")) replace(name, html);
  }
  const section = document.querySelector("#content[data-shape]");
  if (frame.shape) section.dataset.shape = frame.shape;
  if (frame.rows) for (const row of rowsOf(parsed(`<table><tbody>${frame.rows}`).querySelector("tbody"))) put(row);
  order = frame.order || order;
  settle();
}

function replace(selector, html) {
  const [old, fresh] = [document.querySelector(selector), parsed(html).querySelector(selector)];
  if (old && fresh) keepingFocus(() => morph(old, fresh));
}

function put(fresh) {
  const row = rowOf(fresh.dataset.key);
  const news = row?.dataset.told !== fresh.dataset.told;
  if (row) morph(row, fresh);
  const here = row || document.adoptNode(fresh);
  if (!row) body()?.append(here);
  if (!news) return;
  here.classList.add("changed");
  setTimeout(() => here.classList.remove("changed"), MARKED_MS);
}

function selecting() {
  const chosen = getSelection();
  return !chosen.isCollapsed && Boolean(body()?.contains(chosen.getRangeAt(0).commonAncestorContainer));
}

function keeping() {
  if (pointed) return "the pointer is over the rows";
  if (body()?.querySelector("details[open]")) return "a menu is open";
  return selecting() ? "text is selected" : "";
}

function settle() {
  const now = rowsOf(body());
  if (order) for (const row of now) row.classList.toggle("gone", !order.includes(row.dataset.key));
  if (order && now.map((row) => row.dataset.key).join() === order.join()) order = null;
  const why = keeping();
  if (why) return tell(order ? `order kept while ${why}` : "");
  keepingFocus(arrange);
  order = null;
  tell("");
}

// A row that is gone stays, marked, as long as somebody reads what is open below it.
const openedBelow = (row) => (row.nextElementSibling?.dataset.inserted === undefined ? [] : [row.nextElementSibling]);

function placeAfter(row) {
  let next = row ? row.nextElementSibling : body().firstElementChild;
  while (next?.matches(".gone, [data-inserted]")) next = next.nextElementSibling;
  return next;
}

function arrange() {
  for (const row of rowsOf(body())) if (row.classList.contains("gone") && !openedBelow(row).length) row.remove();
  const known = new Map(rowsOf(body()).map((row) => [row.dataset.key, row]));
  let last = null;
  for (const key of order || []) {
    const row = known.get(key);
    if (!row) continue;
    const [opened, place] = [openedBelow(row), placeAfter(last)];
    if (row !== place) for (const each of [row, ...opened]) body().insertBefore(each, place);
    last = opened.at(-1) || row;
  }
}

function keepingFocus(change) {
  const focused = document.activeElement;
  const row = focused.closest("tr[data-key]");
  const at = rowsOf(body()).indexOf(row);
  change();
  if (focused === document.activeElement || focused === document.body) return;
  const next = focused.isConnected ? focused : row?.isConnected ? row : rowsOf(body())[at] || rowsOf(body()).at(-1);
  next?.focus({ preventScroll: true });
}

// `say` is told what waits, and why.
export function startRowsMoving(say) {
  tell = say;
  document.addEventListener("pointerover", ({ pointerType, target }) => {
    pointed = pointerType === "mouse" && Boolean(target.closest?.("#list tbody"));
    if (order && !pointed) settle();
  });
  document.documentElement.addEventListener("pointerleave", () => { pointed = false; settle(); });
  document.addEventListener("toggle", () => order && settle(), true);
  document.addEventListener("selectionchange", () => order && settle());
}
