// Renews the progress of an import while somebody looks at it; when its state is another, the page itself comes anew.
const EVERY = 2_000;
const status = document.querySelector("[data-progress-status]");
const region = () => document.querySelector("[data-progress]");

const words = (part) => part.querySelector("[data-progress-words]")?.dataset.progressWords ?? "";

async function ask() {
  const response = await fetch(location.href, { cache: "no-store", redirect: "manual" });
  if (response.status !== 200) return response.status >= 500 || response.status === 429;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const old = region();
  const fresh = page.querySelector("[data-progress]");
  if (fresh?.dataset.progress !== old.dataset.progress) {
    location.reload();
    return false;
  }
  // Said aloud at every tenth, not at every row
  if (words(fresh) !== words(old)) status.textContent = words(fresh);
  old.replaceWith(document.importNode(fresh, true));
  return true;
}

async function tick() {
  let again = true;
  try {
    if (document.visibilityState === "visible") again = await ask();
  } catch {
    // no network just now: the page stays as it was, and the next time asks again
  }
  if (again) setTimeout(tick, EVERY);
}

setTimeout(tick, EVERY);
