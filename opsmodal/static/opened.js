// What a row opens in place: why it is as it is, or what it is made of. Loaded when the first one is opened.
import { NO_ANSWER, SignedOut, errorOf, fetchPage, plainClick, rowOf } from "./page.js";

const SKELETON_AFTER_MS = 300;
const LINES = 3;

const openedOf = (key) => document.querySelector(`tr[data-inserted="${CSS.escape(key)}"]`);

// The address names the row that is open, so that a link shows the same.
function mark(row, link) {
  for (const each of row.querySelectorAll("[data-open]")) each.setAttribute("aria-expanded", String(each === link));
  history.replaceState(null, "", link ? `#${encodeURIComponent(row.dataset.key)}` : location.href.split("#")[0]);
}

function skeleton(cell) {
  for (let left = LINES; left > 0; left -= 1) cell.append(document.createElement("div"));
  for (const line of cell.children) line.className = "skeleton";
}

async function fill(cell, url) {
  const waiting = setTimeout(skeleton, SKELETON_AFTER_MS, cell);
  try {
    const { doc } = await fetchPage(url);
    const fragment = doc.querySelector("[data-fragment]");
    cell.replaceChildren(fragment ? document.adoptNode(fragment) : errorOf(doc));
  } catch (error) {
    cell.textContent = error instanceof SignedOut ? "Your session has ended. Sign in again." : `${NO_ANSWER} Close the row and open it again.`;
  } finally {
    clearTimeout(waiting);
  }
}

// Opens or closes what a link of a row leads to.
export function toggle(link) {
  const row = link.closest("tr");
  const open = openedOf(row.dataset.key);
  const same = open?.dataset.url === link.href;
  open?.remove();
  mark(row, same ? null : link);
  if (same) return;
  const holder = document.createElement("tr");
  holder.className = "opened";
  Object.assign(holder.dataset, { inserted: row.dataset.key, url: link.href });
  const cell = holder.insertCell();
  cell.colSpan = row.cells.length;
  row.after(holder);
  fill(cell, link.href);
}

// Closes the opened row at the focus, else the last one.
function closeRow() {
  const near = document.activeElement.closest("tr[data-inserted]") || openedOf(document.activeElement.closest("tr")?.dataset.key || "");
  const open = near || [...document.querySelectorAll("tr[data-inserted]")].at(-1);
  const row = rowOf(open?.dataset.inserted ?? "");
  open?.remove();
  if (!row) return;
  mark(row, null);
  row.focus();
}

document.addEventListener("close-row", closeRow);
