// Fetches pages of our own server and puts what is new on the page that is open.
import { morph } from "./morph.js";

const WAIT_MS = 15000;

export class SignedOut extends Error {}

// Gives { status, doc, url }; throws when the server cannot be reached, and SignedOut when the session is over.
export async function fetchPage(url, { method = "GET", body } = {}) {
  const response = await fetch(url, { method, body, headers: { Accept: "text/html" }, signal: AbortSignal.timeout(WAIT_MS) });
  const doc = new DOMParser().parseFromString(await response.text(), "text/html");
  if (response.status === 401 || new URL(response.url).pathname === "/sign-in") throw new SignedOut();
  return { status: response.status, url: response.url, doc };
}

export const PARTS = ["frame", "content", "as-of", "trouble"];

// Takes the parts that a page shares with the one on screen; focus and open rows stay.
export function take(doc, parts = PARTS) {
  for (const id of parts) {
    const old = document.getElementById(id);
    const fresh = doc.getElementById(id);
    if (!old || !fresh) continue;
    if (id === "content" && old.className !== fresh.className) {
      old.replaceWith(document.adoptNode(fresh));
    } else morph(old, fresh);
  }
  document.title = doc.title;
}

// Says something where the eye is and where screen readers listen.
export function say(sentence, { failed = false } = {}) {
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
  const section = doc.querySelector("[data-error]");
  if (!section) return "The server answered with something else than a page of opsmodal.";
  const parts = [...section.querySelectorAll("h2, h2 + p:not(.actions)")];
  return parts.map((part) => part.textContent.replace("▲", "").trim()).join(" ");
}
