// Copy buttons; where the browser does not allow it, the text is shown.
import { say } from "./page.js";

const SHOWN_MS = 2000;

export function startCopying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = label; }, SHOWN_MS);
    } catch {
      say(`Copy by hand: ${button.dataset.copy}`, false);
    }
  });
}
