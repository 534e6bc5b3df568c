// Looks at a domain from outside, each check by itself, and shows what it found as soon as it is there.
import { NO_ANSWER, SignedOut, errorOf, fetchPage } from "./page.js";

const WAIT_MS = 45000; // DNS, a handshake and an answer, each with a limit of its own on the server

const section = document.querySelector("[data-checks]");
const button = section.querySelector("form button");

function tell(name, sentence) {
  const line = document.createElement("p");
  [line.textContent, line.className] = [sentence, "quiet"];
  document.querySelector(`#check-${name} > div`).replaceChildren(line);
}

async function look(name) {
  tell(name, "Looking…");
  try {
    const { status, doc } = await fetchPage(`${section.dataset.checks}?only=${name}`, undefined, {}, AbortSignal.timeout(WAIT_MS));
    const found = doc.getElementById(`check-${name}`);
    if (status < 400 && found) document.getElementById(found.id).replaceWith(document.adoptNode(found));
    else tell(name, errorOf(doc));
  } catch (error) {
    if (error instanceof SignedOut) location.assign("/sign-in");
    else tell(name, NO_ANSWER);
  }
}

async function lookAtAll() {
  if (button.getAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  await Promise.all([...section.querySelectorAll("[data-check]")].map(({ dataset }) => look(dataset.check)));
  button.removeAttribute("aria-busy");
}

section.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  lookAtAll();
});
lookAtAll();
