// What every page does. A page that does more loads the modules for it itself: its template names them. What somebody
// has to ask for first, a dialog or an action, is loaded when it is asked for.
import { startCounting } from "./ages.js";
import { startKeys } from "./keys.js";
import { startMenus } from "./menu.js";
import { NO_ANSWER, say } from "./page.js";
import { startPolling } from "./poll.js";
import { startTheme } from "./theme-switch.js";

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (!form.matches("form[data-act]")) return;
  event.preventDefault();
  const acting = await import("./act.js").catch(() => say(`${NO_ANSWER} Nothing was done.`));
  acting?.act(form, submitter);
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (button) (await import("./copy.js")).copy(button);
});

startTheme();
startMenus();
startKeys();
startPolling();
startCounting();
