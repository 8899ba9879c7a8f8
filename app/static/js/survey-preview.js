// The preview follows the typing: the form goes to its preview address, which answers with the whole page; we take the part.
// Without a script the button "Refresh preview" does the same.
const form = document.querySelector("form[data-preview]");
const shown = document.getElementById("preview");
const PAUSE = 350; // ms without a key: a word is finished

let waiting = 0;
let asking = null;

const refresh = async () => {
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form), signal: asking.signal });
    if (!answer.ok) return; // what is shown stays, and saving says what is wrong
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("preview");
    if (fresh) shown.replaceChildren(...fresh.childNodes);
  } catch (error) {
    if (error.name !== "AbortError") console.warn("the preview did not come", error);
  }
};

if (form && shown) {
  for (const element of document.querySelectorAll("[data-without-script]")) element.hidden = true;
  for (const element of document.querySelectorAll("[data-with-script]")) element.hidden = false;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, PAUSE);
  });
}
