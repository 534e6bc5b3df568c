// Keeps the page fresh: asks for it again every few seconds while it is looked at, and says when that fails.
import { NO_ANSWER, SignedOut, errorOf, fetchPage, take } from "./page.js";

const EVERY_MS = 5000;
const BY_ITSELF = { "X-Opsmodal-Refresh": "1" }; // or a page left open would keep its session for ever
const BACKOFF_MAX_MS = 30000;

let timer = null;
let failures = 0;
let failingSince = null;
let triesAt = 0;
let asking = null;

const content = () => document.querySelector("#content[data-live]");
const strip = () => document.getElementById("trouble");

function schedule(wait) {
  clearTimeout(timer);
  triesAt = Date.now() + wait;
  if (!document.hidden) timer = setTimeout(refresh, wait);
}

// Reads the page again; the promise ends when it is on screen, or the trouble is.
export function refresh() {
  asking ??= ask().finally(() => { asking = null; });
  return asking;
}

// The same after somebody has changed something: an answer already on its way may be from before.
export async function refreshAfterChange() {
  await asking;
  return refresh();
}

async function ask() {
  clearTimeout(timer);
  const url = location.href.split("#")[0];
  try {
    const page = await fetchPage(url, undefined, BY_ITSELF);
    if (url === location.href.split("#")[0]) answered(page);
    else schedule(EVERY_MS);
  } catch (error) {
    if (error instanceof SignedOut) write("Your session has ended. Load the page again to sign in.");
    else failed(NO_ANSWER);
  }
}

function answered({ status, doc }) {
  const failing = content()?.hasAttribute("data-error");
  if (status >= 500 && !failing) return failed(errorOf(doc));
  if (status >= 400 && !failing) return write(`${errorOf(doc)} What is shown is the last that was known.`);
  // A page that failed has loaded less than the page that it was meant to be.
  if (failing && status < 400) return location.reload();
  failures = 0;
  failingSince = null;
  // The page of the logs keeps its lines: only what stands over them is taken.
  take(doc, content() ? undefined : ["frame", "as-of", "trouble"]);
  schedule(EVERY_MS);
  count();
}

function failed(sentence) {
  failingSince ??= Date.now();
  write(sentence);
  schedule(Math.min(EVERY_MS * 2 ** failures++, BACKOFF_MAX_MS) * (0.8 + Math.random() * 0.4));
  count();
}

// The sentence is spoken once; the seconds beside it count unspoken.
function write(sentence) {
  if (!strip()) return;
  const asOf = document.querySelector("#as-of time");
  const mark = document.createElement("span");
  mark.className = "mark error";
  mark.textContent = `▲ ${asOf ? `As of ${asOf.textContent}.` : "Not up to date."}`;
  const line = strip().querySelector("p");
  if (line.textContent !== `${mark.textContent} ${sentence}`) line.replaceChildren(mark, ` ${sentence}`);
  strip().hidden = false;
  triesAt = 0;
  count();
}

function count() {
  const again = document.getElementById("again");
  if (!again || strip()?.hidden) return;
  const since = failingSince || Date.parse(again.dataset.since);
  const waiting = Math.round((triesAt - Date.now()) / 1000);
  const known = since ? `Not reachable since ${Math.max(0, Math.round((Date.now() - since) / 1000))} s. ` : "";
  again.textContent = triesAt ? `${known}Trying again ${waiting > 0 ? `in ${waiting} s` : "now"}.` : "";
}

export function startPolling() {
  const failing = document.querySelector("[data-error]");
  if (!strip() && !failing) return;
  if (document.querySelector("main [data-confirm]") || Number(failing?.dataset.status || 500) < 500) return;
  setInterval(count, 1000);
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
  schedule(EVERY_MS);
}
