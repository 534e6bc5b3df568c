// The keyboard. Nothing is taken while somebody types.
import { closeMenu, openMenu } from "./menu.js";
import { refresh } from "./poll.js";

const CHORD_MS = 1000;
let chordUntil = 0;

const row = () => document.activeElement.closest("tr[data-key]");

function step(by) {
  const all = [...document.querySelectorAll("tr[data-key]")];
  const at = all.indexOf(row() || document.activeElement.closest("tr[data-inserted]")?.previousElementSibling);
  all[Math.min(Math.max(at + by, 0), all.length - 1)]?.focus();
}

const showKeys = () => document.getElementById("keys").showModal();
const focusOn = (selector) => document.querySelector(selector)?.select();

const KEYS = {
  "/": () => focusOn("#find"),
  f: () => focusOn("main [data-filter]"),
  c: () => focusOn("#line"),
  j: () => step(1),
  k: () => step(-1),
  r: refresh,
  "?": showKeys,
  g: () => { chordUntil = Date.now() + CHORD_MS; },
  s: () => Date.now() < chordUntil && location.assign("/services"),
  Enter: () => row().querySelector("[data-enter]")?.click(),
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
  else if (!closeMenu()) document.dispatchEvent(new Event("close-row"));
}

export function startKeys() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) showKeys();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") return escape(event);
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const tab = /^[1-7]$/.test(event.key) && document.querySelector(`[data-key-number="${event.key}"]`);
    if (tab) return tab.click();
    if (!Object.hasOwn(KEYS, event.key) || (event.key === "Enter" && document.activeElement !== row())) return;
    event.preventDefault();
    KEYS[event.key]();
  });
}
