// What every page does. A page that does more loads the modules for it itself: its template names them.
import { startActing } from "./act.js";
import { startCopying } from "./copy.js";
import { startKeys } from "./keys.js";
import { startMenus } from "./menu.js";
import { startPolling } from "./poll.js";
import { startTheme } from "./theme-switch.js";

startTheme();
startMenus();
startCopying();
startActing();
startKeys();
startPolling();
