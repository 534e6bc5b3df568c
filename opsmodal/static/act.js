// Sends forms that change something; where the server asks back, its question is shown in a dialog. A form inside such
// a question may only renew it, where it stands.
import { closeDialog, openDialog } from "./dialog.js";
import { morph } from "./morph.js";
import { NO_ANSWER, SignedOut, errorOf, fetchPage, rowOf, say, sayFlashes } from "./page.js";
import { refreshAfterChange } from "./poll.js";

const CHANGED_MS = 4000;

async function send(form, button) {
  const confirmed = form.hasAttribute("data-confirmed");
  // A page about what is changed leads away with it: what was done is said there.
  if (confirmed && document.querySelector("main [data-leaves]")) return form.submit();
  const from = form.closest("details")?.querySelector("summary") || button;
  const place = form.closest("[data-asked]");
  const tell = (sentence) => { place.querySelector("[role=status]").textContent = sentence; };
  button?.setAttribute("aria-busy", "true");
  if (place) tell(form.dataset.busy);
  try {
    const { status, doc } = await answerTo(form);
    const question = doc.querySelector("[data-confirm], [data-asked]");
    const told = status >= 400 && doc.querySelector("[data-told]");
    if (place) question ? morph(place, question) : tell(errorOf(doc));
    else if (question) openDialog(document.adoptNode(question), confirmed ? null : from, form.dataset.for);
    else if (told && !form.closest("[data-again]")) openDialog(withClose(document.adoptNode(told)), confirmed ? null : from, form.dataset.for);
    else if (status >= 400) again(form, doc) || complain(errorOf(doc));
    else done(doc, confirmed ? closeDialog() : form.dataset.for);
  } catch (error) {
    if (error instanceof SignedOut) location.assign("/sign-in");
    else if (place) tell(NO_ANSWER);
    else complain(`${NO_ANSWER} Whether it was done is not known: look before trying again.`);
  } finally {
    button?.removeAttribute("aria-busy");
    form.closest("details")?.removeAttribute("open");
  }
}

function answerTo(form) {
  const fields = new URLSearchParams(new FormData(form));
  return form.method === "get" ? fetchPage(`${form.action}?${fields}`) : fetchPage(form.action, fields);
}

// The same form with what is wrong beside its fields, and what was typed in them, takes the place of the one sent.
function again(form, doc) {
  const [old, fresh] = [form.closest("[data-again]"), doc.querySelector("[data-again]")];
  if (!old || !fresh) return false;
  old.replaceWith(document.adoptNode(fresh));
  fresh.querySelector("[aria-invalid]")?.focus();
  return true;
}

// A refusal that a line does not hold: the role that would let it pass.
function withClose(told) {
  const close = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Close" });
  close.dataset.cancel = "";
  told.querySelector("h2").id = "ask-title";
  told.append(close);
  return told;
}

function complain(sentence) {
  closeDialog();
  say(sentence);
}

// What was done is said, and marked in the row it was done to.
async function done(doc, key) {
  sayFlashes(doc);
  await refreshAfterChange();
  const row = rowOf(key || "");
  row?.classList.add("changed");
  setTimeout(() => row?.classList.remove("changed"), CHANGED_MS);
}

// Pressed twice is meant once.
export function act(form, button) {
  if (!form.querySelector('[aria-busy="true"]')) send(form, button);
}
