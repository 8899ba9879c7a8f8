// The keyboard: J, K and Enter inside a list, one letter for an act outside fields, Esc for what is open.
// Pages say what there is: data-keys-list on a list whose entries carry data-keys-item (a link, or holds one),
// data-key="c" on the button, link or field that the letter presses. data-shortcuts="off" on body switches letters off.
const letters = document.body.dataset.shortcuts !== "off";
const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

const close = (fold) => {
  fold.open = false;
  fold.querySelector("summary").focus();
};

const step = (list, from, by) => {
  const items = [...list.querySelectorAll("[data-keys-item]")];
  const at = items.findIndex((item) => item.contains(from));
  const next = items[at < 0 ? (by > 0 ? 0 : items.length - 1) : at + by];
  (next?.matches("a") ? next : next?.querySelector("a"))?.focus();
};

const press = (key) => {
  const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!target) return false;
  if (target.matches("input, textarea, select")) target.focus();
  else target.click();
  return true;
};

document.addEventListener("keydown", (event) => {
  const at = event.target instanceof Element ? event.target : document.body;
  if (event.key === "Escape") {
    const open = at.closest("details[open]") ?? document.querySelector("details[data-menu][open]");
    if (open) close(open);
    return;
  }
  if (!letters || event.ctrlKey || event.metaKey || event.altKey || typing(at)) return;
  const key = event.key.toLowerCase();
  const list = at.closest("[data-keys-list]");
  if (list && (key === "j" || key === "k")) step(list, at, key === "j" ? 1 : -1);
  else if (!press(key)) return;
  event.preventDefault();
});

// A menu gives way to whatever is pressed outside it
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
