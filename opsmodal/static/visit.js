// Sorting, filtering and paging without leaving the page: the same links and forms, their answer put in place.
import { NO_ANSWER, SignedOut, errorOf, fetchPage, plainClick, say, take } from "./page.js";

const TYPING_MS = 250;
let latest = 0;

// Goes to an address of the same page; `remember` writes it into the browser's history.
async function visit(url, remember) {
  const mine = ++latest;
  const busy = (is) => { document.getElementById("content").ariaBusy = is; };
  busy(true);
  try {
    const { status, doc } = await fetchPage(url);
    if (mine !== latest) return;
    if (status >= 400) return say(errorOf(doc));
    remember?.(url);
    take(doc);
  } catch (error) {
    if (error instanceof SignedOut) location.assign(url);
    else if (mine === latest) say(NO_ANSWER);
  } finally {
    busy(false);
  }
}

const push = (url) => history.pushState(null, "", url);
const replace = (url) => history.replaceState(null, "", url);

function addressOf(form) {
  // Not form.action: in a form that has a field of that name (the audit log's), it is the field.
  const url = new URL(form.getAttribute("action") ?? "", location.href);
  url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  return url.href;
}

function startVisiting() {
  let typing = null;
  document.addEventListener("click", (event) => {
    const link = plainClick(event, "a[data-visit]");
    if (!link) return;
    link.closest("details")?.removeAttribute("open");
    visit(link.href, push);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-visit]")) return;
    event.preventDefault();
    clearTimeout(typing);
    visit(addressOf(event.target), push);
  });
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-visit]");
    if (!form) return;
    clearTimeout(typing);
    typing = setTimeout(() => visit(addressOf(form), replace), TYPING_MS);
  });
  window.addEventListener("popstate", () => visit(location.href));
}

startVisiting();
