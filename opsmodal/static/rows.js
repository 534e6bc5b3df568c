// Rows that open in place: why it is as it is, or what it is made of. The link goes to the same on its own page.
import { errorOf, fetchPage, SignedOut } from "./page.js";

const SKELETON_AFTER_MS = 300;
const SKELETON_LINES = 3;

const rowOf = (key) => document.querySelector(`tr[data-key="${CSS.escape(key)}"]`);
const openedOf = (key) => document.querySelector(`tr[data-inserted="${CSS.escape(key)}"]`);

function mark(row, link) {
  for (const each of row.querySelectorAll("[data-open]")) each.setAttribute("aria-expanded", String(each === link));
  const plain = location.href.split("#")[0];
  history.replaceState(null, "", link ? `${plain}#${encodeURIComponent(row.dataset.key)}` : plain);
}

function frameFor(row) {
  const holder = document.createElement("tr");
  holder.className = "opened";
  holder.dataset.inserted = row.dataset.key;
  const cell = document.createElement("td");
  cell.colSpan = row.cells.length;
  holder.append(cell);
  row.after(holder);
  return cell;
}

function skeleton(cell) {
  cell.setAttribute("aria-busy", "true");
  cell.replaceChildren(...Array.from({ length: SKELETON_LINES }, () => {
    const line = document.createElement("div");
    line.className = "skeleton";
    return line;
  }));
}

async function fill(cell, url) {
  const waiting = setTimeout(() => skeleton(cell), SKELETON_AFTER_MS);
  try {
    const { doc } = await fetchPage(url);
    const fragment = doc.querySelector("[data-fragment]");
    cell.replaceChildren(fragment ? document.adoptNode(fragment) : errorOf(doc));
  } catch (error) {
    cell.textContent = error instanceof SignedOut ? "Your session has ended. Sign in again." : "The opsmodal server does not answer. Close the row and open it again.";
  } finally {
    clearTimeout(waiting);
    cell.removeAttribute("aria-busy");
  }
}

// Opens or closes what a link of a row leads to.
export function toggle(link) {
  const row = link.closest("tr[data-key]");
  const open = openedOf(row.dataset.key);
  const same = open?.dataset.url === link.href;
  open?.remove();
  mark(row, same ? null : link);
  if (same) return;
  const cell = frameFor(row);
  cell.parentElement.dataset.url = link.href;
  fill(cell, link.href);
}

// Closes the opened row that has, or whose row has, the focus; else the last one. Tells whether there was one.
export function closeRow() {
  const near = document.activeElement?.closest("tr");
  const open = near?.matches("[data-inserted]") ? near : openedOf(near?.dataset.key || "") || [...document.querySelectorAll("tr[data-inserted]")].at(-1);
  if (!open) return false;
  const row = rowOf(open.dataset.inserted);
  open.remove();
  if (row) {
    mark(row, null);
    row.focus();
  }
  return true;
}

export function startRows() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("tr[data-key] a[data-open]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    toggle(link);
  });
  const row = location.hash && rowOf(decodeURIComponent(location.hash.slice(1)));
  if (!row) return;
  row.focus();
  const link = row.querySelector("a[data-enter][data-open]");
  if (link) toggle(link);
}
