// Puts the parts together.
import { startActing } from "./act.js";
import { startCopying } from "./copy.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startLogs } from "./logs.js";
import { startMenus } from "./menu.js";
import { startRows } from "./rows.js";
import { startTheme } from "./theme-switch.js";
import { startVisiting } from "./visit.js";

startTheme();
startMenus();
startCopying();
startRows();
startActing();
startVisiting();
startKeys();
startLogs();
startLive();
