// Renews the home page while somebody looks at it: three small requests a minute, and only what changed is touched.

const EVERY = 20_000;
const status = document.querySelector("[data-live-status]");
let timer = 0;
let asked = Date.now();

const isOpen = (region, fold) => region.querySelector(`details[data-live-keep="${fold}"]`)?.open ?? false;

// Somebody who is selecting text in a region keeps it as it is until the next time.
const isHeld = (region) => {
  const chosen = getSelection();
  return !chosen.isCollapsed && region.contains(chosen.anchorNode);
};

// The fold that was open stays open, and what had the focus has it again.
function replace(old, fresh) {
  const targets = "a, button, summary, [tabindex]";
  const place = [...old.querySelectorAll(targets)].indexOf(document.activeElement);
  const href = document.activeElement?.getAttribute("href");
  old.replaceWith(fresh);
  if (place < 0) return;
  const candidates = [...fresh.querySelectorAll(targets)];
  const same = candidates.find((each) => href && each.getAttribute("href") === href) ?? candidates[place];
  same?.focus({ preventScroll: true });
}

function renew(page) {
  const news = [];
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const old = document.querySelector(`[data-live="${fresh.dataset.live}"]`);
    if (!old || isHeld(old)) continue;
    for (const fold of fresh.querySelectorAll("details[data-live-keep]")) {
      fold.open = isOpen(old, fold.dataset.liveKeep);
    }
    if (fresh.outerHTML === old.outerHTML) continue;
    const words = fresh.dataset.liveWords;
    if (words && words !== old.dataset.liveWords) news.push(words);
    replace(old, document.importNode(fresh, true));
  }
  renewCount(page);
  if (news.length) status.textContent = news.join(" ");
}

// The count beside the follow-ups' room, in the rail and in the bar of a phone.
function renewCount(page) {
  const rooms = '.rail-nav a[href$="/followups"]';
  const fresh = page.querySelectorAll(rooms);
  document.querySelectorAll(rooms).forEach((room, number) => {
    if (fresh[number] && fresh[number].innerHTML !== room.innerHTML) {
      room.replaceChildren(...document.importNode(fresh[number], true).childNodes);
    }
  });
}

async function ask() {
  asked = Date.now();
  try {
    const response = await fetch(location.href, { cache: "no-store", redirect: "manual" });
    // signed out, or no longer a member: stop asking. Busy: ask again.
    if (response.status !== 200) return response.status >= 500 || response.status === 429;
    renew(new DOMParser().parseFromString(await response.text(), "text/html"));
  } catch {
    // no network just now: the page stays as it was, and the next time asks again
  }
  return true;
}

async function tick() {
  if (await ask()) wait();
}

function wait() {
  clearTimeout(timer);
  if (document.visibilityState === "visible") timer = setTimeout(tick, Math.max(0, asked + EVERY - Date.now()));
}

document.addEventListener("visibilitychange", wait);
wait();
