// Light, dark, or as the system has it. The choice stays in this browser.
const root = document.documentElement;

function show() {
  const chosen = root.dataset.theme || "auto";
  for (const button of document.querySelectorAll("[data-theme-set]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === chosen));
  }
}

function choose(theme) {
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    if (theme === "auto") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  } catch { /* not kept, but in force on this page */ }
  show();
}

export function startTheme() {
  for (const button of document.querySelectorAll("[data-theme-set]")) {
    const theme = button.dataset.themeSet;
    // On a phone there is no room for three: the chosen one pressed again goes back to the system's.
    button.addEventListener("click", () => choose(theme === root.dataset.theme ? "auto" : theme));
  }
  show();
}
