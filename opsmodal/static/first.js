// Asks once which connection a person wants to a service: the page has this only as long as they were never asked.
import { act } from "./act.js";

const form = document.querySelector("form[data-change]");
if (form) act(form, form.querySelector("button"));
