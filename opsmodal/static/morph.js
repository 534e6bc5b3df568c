// Makes one tree of elements like another by changing only what differs: focus, open rows, text being typed and the
// place that was scrolled to stay. Both trees are our own server's HTML.

// What the person has done to an element and the server knows nothing of.
const KEPT = new Set(["open", "aria-expanded", "aria-busy", "data-opened"]);

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.dataset?.key || node.id || "" : "";
}

function alike(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && keyOf(old) === keyOf(fresh);
}

function copyAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !(KEPT.has(name) && old.hasAttribute(name))) old.setAttribute(name, value);
  }
}

// Rows that scripts have put in (an opened row) follow the row they belong to.
function followers(node) {
  const found = [];
  for (let next = node.nextSibling; next?.dataset?.inserted !== undefined; next = next.nextSibling) found.push(next);
  return found;
}

function morphChildren(old, fresh) {
  const keyed = new Map();
  for (const child of old.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    while (at?.dataset?.inserted !== undefined) at = at.nextSibling;
    const key = keyOf(wanted);
    const known = key ? keyed.get(key) : at && !keyOf(at) ? at : null;
    if (!known || !alike(known, wanted)) {
      old.insertBefore(document.adoptNode(wanted), at);
      continue;
    }
    const after = followers(known);
    if (known === at) at = (after.at(-1) || known).nextSibling;
    else old.insertBefore(known, at);
    for (const row of after) if (row.previousSibling !== known) known.after(row);
    keyed.delete(key);
    morph(known, wanted);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    if (gone.dataset?.inserted === undefined || !followsKept(gone)) gone.remove();
  }
}

function followsKept(row) {
  return row.previousSibling?.dataset?.key === row.dataset.inserted;
}

export function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.dataset.own !== undefined) return; // a script keeps it
  if (old.matches("input, select, textarea") && old === document.activeElement) return;
  copyAttributes(old, fresh);
  morphChildren(old, fresh);
}
