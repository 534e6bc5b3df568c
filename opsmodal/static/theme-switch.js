// Light, dark, or as the system has it. The choice stays in this browser.
const root = document.documentElement;
const buttons = [...document.querySelectorAll("[data-theme-set]")];

function show() {
  for (const button of buttons) {
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === (root.dataset.theme || "auto")));
  }
}

function choose(theme) {
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch { /* not kept, but in force on this page */ }
  show();
}

export function startTheme() {
  // On a phone there is no room for three: the chosen one, pressed again, gives way to the system's.
  for (const button of buttons) {
    const theme = button.dataset.themeSet;
    button.addEventListener("click", () => choose(theme === root.dataset.theme ? "auto" : theme));
  }
  show();
}
