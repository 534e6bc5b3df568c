// The Commands tab: sends the line and puts the answer where the eye is; fills in what is taken over.
import { NO_ANSWER, SignedOut, errorOf, fetchPage, plainClick, take } from "./page.js";

const GRACE_MS = 20000; // what a server may need beside the command itself
const MASK = "••";
const form = document.getElementById("command");
const line = form.querySelector("[data-line]");
const [verdict, busy, waiting, told] = ["verdict", "busy", "waiting", "told"].map((name) => form.querySelector(`[data-${name}]`));
const outcome = () => document.getElementById("outcome");
let leaving = null;

function complain(sentence) {
  const told = document.createElement("p");
  told.className = "notice error";
  told.textContent = `▲ ${sentence}`;
  verdict.replaceChildren(told);
}

// Puts a line into the form, as a link to it says. What was masked when it was kept is to be typed again.
function fill(link) {
  const asked = new URL(link.href).searchParams;
  line.value = asked.get("line");
  form.elements.mode.value = asked.get("mode") || "oneshot";
  if (form.elements.instance) form.elements.instance.value = asked.get("instance") || "";
  verdict.replaceChildren();
  line.focus();
  const masked = line.value.indexOf(MASK);
  if (masked < 0) return;
  line.setSelectionRange(masked, line.value.search(/•(?!•)/) + 1);
  complain("A secret in this line was not kept. Type it again where it is marked.");
}

async function ask(question) {
  const { openDialog, closeDialog } = await import("./dialog.js");
  const confirming = document.adoptNode(question).querySelector("form");
  confirming.removeAttribute("data-act");
  confirming.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = new FormData(confirming);
    closeDialog();
    send(form.action, fields);
  });
  openDialog(question, line);
}

// What ran replaces what ran before; a line that was only judged leaves that where it is.
function show(doc) {
  const [said, became] = [doc.querySelector("[data-verdict]"), doc.querySelector("[data-outcome]")];
  const question = doc.querySelector("[data-confirm]");
  verdict.replaceChildren(...(said?.childNodes ?? []));
  const refused = Boolean(verdict.querySelector(".error"));
  line.setAttribute("aria-invalid", refused);
  if (question) return ask(question);
  if (!said) return complain(errorOf(doc));
  if (verdict.childElementCount) return refused && line.focus();
  leaving?.();
  outcome().replaceWith(document.adoptNode(became));
  if (became.dataset.at) history.pushState(null, "", became.dataset.at);
  for (const each of doc.querySelectorAll("#content details")) each.open = false; // as somebody left it
  take(doc, ["content"]);
  line.select();
  return look();
}

async function send(url, fields) {
  if (form.ariaBusy === "true") return;
  if (line.value.includes(MASK)) return complain("This line holds what stands for a secret. Type the secret itself.");
  const began = Date.now();
  const count = () => { waiting.textContent = `Running for ${Math.round((Date.now() - began) / 1000)} s`; };
  const counting = setInterval(count, 1000);
  count();
  told.textContent = "Running";
  form.ariaBusy = "true";
  busy.hidden = false;
  const left = new AbortController();
  busy.querySelector("button").onclick = () => left.abort();
  const patience = AbortSignal.any([left.signal, AbortSignal.timeout(form.dataset.waitS * 1000 + GRACE_MS)]);
  try {
    show((await fetchPage(url, new URLSearchParams(fields), {}, patience)).doc);
  } catch (error) {
    if (error instanceof SignedOut) location.assign("/sign-in");
    else if (left.signal.aborted) complain("It is being stopped. The history says how it ended.");
    else complain(`${NO_ANSWER} Whether it ran is not known: look at the history before trying again.`);
  } finally {
    clearInterval(counting);
    busy.hidden = true;
    told.textContent = verdict.childElementCount ? "" : outcome().querySelector(".state")?.textContent ?? "";
    form.ariaBusy = "false";
  }
}

// Brings the console on screen to life.
async function look() {
  const section = outcome();
  if (!section.querySelector("[data-log]")) return;
  const { startConsole } = await import("./command-console.js");
  leaving = startConsole(section);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  // Not the property: without the attribute that is the address of the page, which changes with what it shows.
  send(event.submitter?.getAttribute("formaction") || form.action, new FormData(form));
});
document.addEventListener("click", (event) => {
  const link = plainClick(event, "a[data-use]");
  if (link) fill(link);
});
document.addEventListener("submit", async (event) => {
  const book = event.target.closest("[data-runbook]");
  if (!book) return;
  event.preventDefault();
  (await import("./command-runbooks.js")).fillFrom(book, line);
});
addEventListener("popstate", () => location.reload());
addEventListener("pagehide", () => leaving?.());
const helped = () => import("./command-words.js").then(({ startCompleting }) => startCompleting(line, form)).catch(() => {});
if (document.activeElement === line) helped();
else line.addEventListener("focus", helped, { once: true });
look();
