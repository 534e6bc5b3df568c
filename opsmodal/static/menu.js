// Menus are <details>: this closes them when somebody looks elsewhere, and moves through them by arrow keys.
const openMenus = () => document.querySelectorAll("details.menu[open]");

function closeOthers(kept) {
  for (const menu of openMenus()) if (menu !== kept) menu.open = false;
}

// Closes the open menu, if any, with the focus on its button; tells whether there was one.
export function closeMenu() {
  const [menu] = openMenus();
  if (!menu) return false;
  menu.open = false;
  menu.querySelector("summary").focus();
  return true;
}

// Opens a row's menu with the focus on its first entry.
export function openMenu(menu) {
  menu.open = true;
  menu.querySelector(".menu-items a, .menu-items button")?.focus();
}

function step(menu, by) {
  const entries = [...menu.querySelectorAll(".menu-items a, .menu-items button")].filter((entry) => entry.checkVisibility());
  const at = entries.indexOf(document.activeElement);
  entries.at((at + by + entries.length) % entries.length)?.focus();
}

export function startMenus() {
  document.addEventListener("click", (event) => closeOthers(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details.menu[open]");
    if (!menu || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    event.preventDefault();
    step(menu, event.key === "ArrowDown" ? 1 : -1);
  });
}
