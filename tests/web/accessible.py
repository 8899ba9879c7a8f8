"""What axe says of a page in a real browser: no violation of WCAG 2.2 AA that it can see."""

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CONTRAST, TARGETS = "color-contrast", "target-size"
BY_LOOK = (CONTRAST, TARGETS)  # what another look of the same page can break

# Fifty rows of a list look as the last of them does: what is judged by its look is judged once of each kind,
# which is the same tags, classes and style under the same. To preload would fetch every sheet again, in
# search of sound that plays by itself: there is none.
_JUDGE = """async ([tags, byLook, chosen]) => {
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
  if (once.length) found.push(await axe.run({ include: once }, { ...options, runOnly: chosen }));
  return found.flatMap(({ violations }) => violations)
    .map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html }) => html.slice(0, 160)) }));
}"""


def assert_accessible(page: Page, *, words: bool = True, by_look: Sequence[str] = BY_LOOK) -> None:
    """All rules; without `words` those alone that are judged by the look, and of these the chosen ones."""
    runs = page.evaluate("matchMedia('(scripting: enabled)').matches")
    assert runs, f"{page.url} was opened without JavaScript: axe would wait for ever. Look at it with."
    if page.evaluate("window.axe === undefined"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate(_JUDGE, [WCAG_22_AA if words else [], BY_LOOK, by_look])
    told = [f"{each['id']}: {each['help']}\n    " + "\n    ".join(each["nodes"]) for each in found]
    assert not told, f"{page.url}\n  " + "\n  ".join(told)
