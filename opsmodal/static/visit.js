// Sorting, filtering and paging without leaving the page: the same links and forms, their answer put in place.
import { refresh } from "./live.js";
import { SignedOut, errorOf, fetchPage, say, take } from "./page.js";

const TYPING_MS = 250;
let latest = 0;

// Goes to an address of the same page; the browser's history and the Back button keep working.
export async function visit(url, { push = true } = {}) {
  const mine = ++latest;
  const content = document.getElementById("content");
  content?.setAttribute("aria-busy", "true");
  try {
    const { status, doc } = await fetchPage(url);
    if (mine !== latest) return;
    if (status >= 400) return say(errorOf(doc), { failed: true });
    if (push) history.pushState(null, "", url);
    take(doc);
  } catch (error) {
    if (error instanceof SignedOut) location.assign(url);
    else if (mine === latest) say("The opsmodal server does not answer. Try again in a moment.", { failed: true });
  } finally {
    document.getElementById("content")?.removeAttribute("aria-busy");
  }
}

function addressOf(form) {
  const url = new URL(form.action || location.href);
  url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== "")).toString();
  return url.href;
}

export function startVisiting() {
  let typing = null;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-visit]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    link.closest("details")?.removeAttribute("open");
    visit(link.href);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-visit]")) return;
    event.preventDefault();
    clearTimeout(typing);
    visit(addressOf(event.target));
  });
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-visit]");
    if (!form) return;
    clearTimeout(typing);
    typing = setTimeout(() => visit(addressOf(form), { push: false }).then(() => replaceAddress(form)), TYPING_MS);
  });
  window.addEventListener("popstate", () => visit(location.href, { push: false }).then(refresh));
}

function replaceAddress(form) {
  if (form.isConnected) history.replaceState(null, "", addressOf(form));
}
