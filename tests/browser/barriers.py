"""What axe finds on a page, without looking twice at what looks the same.

Three quarters of axe's time goes into the contrast of one text after the other. A text that axe found readable makes
every other readable that has the same colours and lies in the same: those are not asked about again in this process.
"""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe().axe_script

# An attribute marks known texts while axe runs; what is marked is a hash of everything that decides about contrast.
FIND = """async known => {
  const mark = "data-contrast-known", seen = new Set(known), hashes = new Map(), found = new Set();
  const looks = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize", "fontWeight", "textShadow",
                 "filter", "mixBlendMode", "position", "zIndex", "textTransform", "webkitTextFillColor"];
  const hash = text => {
    let one = 0xdeadbeef, two = 0x41c6ce57;
    for (let place = 0; place < text.length; place++) {
      const code = text.charCodeAt(place);
      one = Math.imul(one ^ code, 2654435761);
      two = Math.imul(two ^ code, 1597334677);
    }
    one = Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(two ^ (two >>> 13), 3266489909);
    two = Math.imul(two ^ (two >>> 16), 2246822507) ^ Math.imul(one ^ (one >>> 13), 3266489909);
    return 4294967296 * (2097151 & two) + (one >>> 0);
  };
  const look = element => {
    if (element === null) return 0;
    if (!hashes.has(element)) {
      const style = getComputedStyle(element);
      const own = [element.tagName, element.getAttribute("class"), ...looks.map(name => style[name])];
      hashes.set(element, hash(look(element.parentElement) + "|" + own.join("|")));
    }
    return hashes.get(element);
  };
  const said = violation => ({...violation, nodes: violation.nodes.map(({element, ...node}) => node)});
  const rest = await axe.run({resultTypes: ["violations"], rules: {"color-contrast": {enabled: false}}});
  axe.configure({rules: [{id: "color-contrast", selector: `*:not([${mark}])`}]});
  for (const element of document.body.querySelectorAll("*")) {
    if (seen.has(look(element))) element.setAttribute(mark, "");
  }
  const contrast = await axe.run({
    runOnly: ["color-contrast"], resultTypes: ["violations", "passes"], elementRef: true, preload: false,
  });
  for (const pass of contrast.passes) {
    for (const node of pass.nodes) found.add(look(node.element));
  }
  document.querySelectorAll(`[${mark}]`).forEach(element => element.removeAttribute(mark));
  return {violations: [...rest.violations, ...contrast.violations].map(said), readable: [...found]};
}"""

_readable: set[float] = set()


def barriers(page: Page) -> list[str]:
    """Each thing that keeps somebody from using the page, as axe says it."""
    page.evaluate(AXE)
    found = page.evaluate(FIND, list(_readable))
    _readable.update(found["readable"])
    return [_said(one) for one in found["violations"]]


def _said(violation: dict[str, object]) -> str:
    nodes = violation["nodes"]
    assert isinstance(nodes, list)
    places = "".join(f"\n  {node['target']}: {node['html']}\n  {node['failureSummary']}" for node in nodes)
    return f"{violation['id']} ({violation['impact']}): {violation['help']}{places}"
