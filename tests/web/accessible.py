"""What axe says of a page in a real browser: no violation of WCAG 2.2 AA that it can see."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
BY_LOOK = ["color-contrast", "target-size"]  # what another look of the same page can break

# Fifty rows of a list look as the last of them does: what is judged by its look is judged once of each kind,
# which is the same tags, classes and style under the same. To preload would fetch every sheet again, in
# search of sound that plays by itself: there is none.
_JUDGE = """async ([tags, byLook]) => {
  const options = { resultTypes: ["violations"], preload: false };
  const STYLE = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize", "fontWeight",
    "position", "minHeight", "padding"];
  const numbers = new Map([["", 0]]), known = new Map();
  function kind(element) {
    if (element === null) return 0;
    if (!known.has(element)) {
      const style = getComputedStyle(element), { tagName, className, type } = element;
      const look = STYLE.map((name) => style[name]);
      const words = [kind(element.parentElement), tagName, className, type, ...look].join("|");
      if (!numbers.has(words)) numbers.set(words, numbers.size);
      known.set(element, numbers.get(words));
    }
    return known.get(element);
  }
  const says = (element) => element.matches("a, button, input, select, textarea, summary")
    || [...element.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
  const all = [...document.body.querySelectorAll("*")];
  const seen = all.filter((each) => says(each) && each.checkVisibility());
  const once = [...new Map(seen.map((each) => [kind(each), each])).values()];
  const found = [];
  if (tags.length) {
    const rules = Object.fromEntries(byLook.map((rule) => [rule, { enabled: false }]));
    found.push(await axe.run({ ...options, runOnly: tags, rules }));
  }
  if (once.length) found.push(await axe.run({ include: once }, { ...options, runOnly: byLook }));
  return found.flatMap(({ violations }) => violations)
    .map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html }) => html.slice(0, 160)) }));
}"""


def assert_accessible(page: Page, *, only_by_look: bool = False) -> None:
    """All rules; or those alone that another look of a page can break, where the others are known to hold."""
    runs = page.evaluate("matchMedia('(scripting: enabled)').matches")
    assert runs, f"{page.url} was opened without JavaScript: axe would wait for ever. Look at it with."
    if page.evaluate("window.axe === undefined"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate(_JUDGE, [[] if only_by_look else WCAG_22_AA, BY_LOOK])
    words = [f"{each['id']}: {each['help']}\n    " + "\n    ".join(each["nodes"]) for each in found]
    assert not words, f"{page.url}\n  " + "\n  ".join(words)
