// The keyboard. Nothing is taken while somebody types, and nothing with Ctrl, Alt or the system's key.
import { showKeys, startDialogs } from "./dialog.js";
import { refresh } from "./live.js";
import { closeMenu, openMenu } from "./menu.js";
import { closeRow } from "./rows.js";

const CHORD_MS = 1000;
let chordUntil = 0;

const rows = () => [...document.querySelectorAll("tr[data-key]")];
const row = () => document.activeElement?.closest("tr[data-key]");

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(row() || document.activeElement?.closest("tr[data-inserted]")?.previousElementSibling);
  const target = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  target.focus();
  target.scrollIntoView({ block: "nearest" });
}

function focusOn(selector) {
  const field = document.querySelector(selector);
  field?.focus();
  field?.select();
}

const KEYS = {
  "/": () => focusOn("#find"),
  f: () => focusOn(document.querySelector("main [data-filter]") ? "main [data-filter]" : "#find"),
  j: () => step(1),
  k: () => step(-1),
  r: () => refresh(),
  "?": () => showKeys(),
  g: () => { chordUntil = Date.now() + CHORD_MS; },
  s: () => { if (Date.now() < chordUntil) location.assign("/services"); },
  Enter: () => document.activeElement === row() && row().querySelector("[data-enter]")?.click(),
  ".": () => {
    const menu = row()?.querySelector("details.menu");
    if (menu) openMenu(menu);
  },
};

function typing(target) {
  return target.isContentEditable || target.matches?.("input:not([type='checkbox']), textarea, select");
}

function escape(event) {
  if (document.querySelector("dialog[open]")) return;
  if (typing(event.target)) event.target.blur();
  else if (!closeMenu()) closeRow();
}

export function startKeys() {
  startDialogs();
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") return escape(event);
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const tab = /^[1-7]$/.test(event.key) && document.querySelector(`[data-key-number="${event.key}"]`);
    if (tab) return tab.click();
    const press = Object.hasOwn(KEYS, event.key) && KEYS[event.key];
    if (!press || (event.key === "Enter" && document.activeElement !== row())) return;
    event.preventDefault();
    press();
  });
}
