// Sends forms that change something; where the server asks back, its question is shown in a dialog.
import { closeDialog, openDialog } from "./dialog.js";
import { refreshAfterChange } from "./live.js";
import { SignedOut, errorOf, fetchPage, say, sayFlashes } from "./page.js";

const CHANGED_MS = 4000;
const NO_ANSWER = "The opsmodal server does not answer. Whether it was done is not known: look before trying again.";

async function send(form, button) {
  const confirmed = form.hasAttribute("data-confirmed");
  const from = form.closest("details")?.querySelector("summary") || button;
  const body = new URLSearchParams(new FormData(form));
  button?.setAttribute("aria-busy", "true");
  try {
    const page = await fetchPage(form.action, { method: "POST", body });
    const question = page.doc.querySelector("[data-confirm]");
    if (question) openDialog(document.adoptNode(question), confirmed ? null : from, form.dataset.for);
    else if (page.status >= 400) complain(errorOf(page.doc));
    else done(page, confirmed ? closeDialog() : form.dataset.for);
  } catch (error) {
    if (error instanceof SignedOut) location.assign("/sign-in");
    else complain(NO_ANSWER);
  } finally {
    button?.removeAttribute("aria-busy");
    form.closest("details")?.removeAttribute("open");
  }
}

function complain(sentence) {
  closeDialog();
  say(sentence, { failed: true });
}

// What was done is said, and marked in the row it was done to.
async function done(page, key) {
  sayFlashes(page.doc);
  await refreshAfterChange();
  const row = key && document.querySelector(`tr[data-key="${CSS.escape(key)}"]`);
  if (!row) return;
  row.classList.add("changed");
  setTimeout(() => row.classList.remove("changed"), CHANGED_MS);
}

export function startActing() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-act]")) return;
    event.preventDefault();
    // Pressed twice is meant once.
    if (!form.querySelector('[aria-busy="true"]')) send(form, event.submitter);
  });
}
