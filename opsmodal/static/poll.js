// Keeps the page fresh: asks for it again every few seconds while it is looked at, and says when that fails.
import { NO_ANSWER, SignedOut, errorOf, fetchPage, take } from "./page.js";
import { complain, count } from "./strip.js";

const EVERY_MS = 5000;
const BY_ITSELF = { "X-Opsmodal-Refresh": "1" }; // or a page left open would keep its session for ever
const BACKOFF_MAX_MS = 30000;

let timer = null;
let failures = 0;
let failingSince = 0;
let triesAt = 0;
let asking = null;
let suspended = false;
let over = false;
let everyMs = EVERY_MS;

const content = () => document.querySelector("#content[data-live]");

function schedule(wait) {
  clearTimeout(timer);
  triesAt = suspended || everyMs === Infinity ? 0 : Date.now() + wait;
  if (triesAt && !document.hidden) timer = setTimeout(refresh, wait);
}

// Asks every so many ms from now on; never by itself where that is Infinity.
export function every(ms = EVERY_MS) {
  everyMs = ms;
  suspended = false;
  schedule(ms);
}

export const nextAt = () => triesAt;

// Something else tells what changes, until `resume`.
export function suspend() {
  suspended = true;
  failures = failingSince = 0;
  clearTimeout(timer);
}

export function resume() {
  if (!suspended) return;
  suspended = false;
  schedule(0);
}

// Tells whether the session, or the right, has ended.
export const isOver = () => over;

// Ends when the page is on screen, or the trouble.
export function refresh() {
  asking ??= ask().finally(() => { asking = null; });
  return asking;
}

// After a change: an answer already on its way may be from before.
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
    else schedule(everyMs);
  } catch (error) {
    if (error instanceof SignedOut) end("Your session has ended.", { text: "Sign in again", url: "" });
    else failed(NO_ANSWER);
  }
}

function end(sentence, way) {
  over = true;
  complain(sentence, 0, 0, way);
}

// The server has said that access to this page has ended.
export function accessEnded({ sentence, hint, way }) {
  suspend();
  end(`${sentence} ${hint}`, way);
}

function answered({ status, doc }) {
  const failing = content()?.hasAttribute("data-error");
  if (status >= 500 && !failing) return failed(errorOf(doc));
  if (status >= 400 && !failing) return end(`${errorOf(doc)} What is shown is the last that was known.`);
  // A page that failed has loaded less than the page that it was meant to be.
  if (failing && status < 400) return location.reload();
  const back = failingSince > 0;
  failures = failingSince = 0;
  over = false;
  // The page of the logs keeps its lines: only what stands over them is taken.
  take(doc, content() ? undefined : ["frame", "as-of", "trouble"]);
  schedule(everyMs);
  count(0, triesAt);
  if (back) document.dispatchEvent(new Event("back"));
}

function failed(sentence) {
  failingSince ||= Date.now();
  schedule(Math.min(EVERY_MS * 2 ** failures++, BACKOFF_MAX_MS) * (0.8 + Math.random() * 0.4));
  complain(sentence, failingSince, triesAt);
}

export function startPolling() {
  const failing = document.querySelector("[data-error]");
  if (!document.getElementById("trouble") && !failing) return;
  if (document.querySelector("main [data-confirm]") || Number(failing?.dataset.status || 500) < 500) return;
  setInterval(count, 1000);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else if (!suspended && everyMs !== Infinity) refresh();
  });
  schedule(everyMs);
  count(0, triesAt);
}
