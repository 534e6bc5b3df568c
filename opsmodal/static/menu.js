// Menus are <details>: this closes them.
const openMenus = () => document.querySelectorAll("details.menu[open]");

// Closes the open menu, if any, with the focus on its button; tells whether there was one.
export function closeMenu() {
  const [menu] = openMenus();
  menu?.removeAttribute("open");
  menu?.querySelector("summary").focus();
  return Boolean(menu);
}

// Opens a row's menu with the focus on its first entry.
export function openMenu(menu) {
  menu.open = true;
  menu.querySelector(".menu-items a, .menu-items button")?.focus();
}

export function startMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
}
