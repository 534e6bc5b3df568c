// What copies: where the browser does not allow it, the text is shown.
import { say } from "./page.js";

const SHOWN_MS = 2000;

export async function copy(button) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, SHOWN_MS);
  } catch {
    say(`Copy by hand: ${button.dataset.copy}`, false);
  }
}
