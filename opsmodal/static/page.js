// Fetches pages of our own server and puts what is new on the page that is open.
import { morph } from "./morph.js";

const WAIT_MS = 15000;
export const NO_ANSWER = "The opsmodal server does not answer.";

export class SignedOut extends Error {}

// Gives { status, doc }; throws when the server cannot be reached, and SignedOut when the session is over.
export async function fetchPage(url, body, headers = {}, left = AbortSignal.timeout(WAIT_MS)) {
  const method = body ? "POST" : "GET";
  const response = await fetch(url, { method, body, headers, signal: left });
  const doc = new DOMParser().parseFromString(await response.text(), "text/html");
  if (response.status === 401 || new URL(response.url).pathname === "/sign-in") throw new SignedOut();
  return { status: response.status, doc };
}

// Takes what a page shares with the one on screen; focus and open rows stay.
export function take(doc, parts = ["frame", "content", "as-of", "trouble"]) {
  for (const id of parts) {
    const old = document.getElementById(id);
    const fresh = doc.getElementById(id);
    if (!old || !fresh || old.parentElement.closest("#frame")) continue;
    if (old.className === fresh.className || id === "trouble") morph(old, fresh);
    else old.replaceWith(document.adoptNode(fresh));
  }
  document.title = doc.title;
  document.dispatchEvent(new Event("taken"));
}

export const rowOf = (key) => document.querySelector(`tr[data-key="${CSS.escape(key)}"]`);

// A click that is not one for a new tab.
export function plainClick(event, selector) {
  const link = event.target.closest(selector);
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return null;
  event.preventDefault();
  return link;
}

// Says something where the eye is and where screen readers listen.
export function say(sentence, failed = true) {
  const line = document.createElement("p");
  line.textContent = sentence;
  line.classList.toggle("failed", failed);
  document.getElementById("results").replaceChildren(line);
}

export function sayFlashes(doc) {
  const lines = [...doc.querySelectorAll("#results > p")];
  if (lines.length) document.getElementById("results").replaceChildren(...lines.map((line) => document.adoptNode(line)));
}

// The sentence of an error page, with what to do next.
export function errorOf(doc) {
  const parts = [...doc.querySelectorAll("[data-error] h2, [data-error] h2 + p:not(.actions)")];
  if (!parts.length) return "The server answered with no page of opsmodal.";
  return parts.map((part) => part.textContent.replace("▲", "").trim()).join(" ");
}
