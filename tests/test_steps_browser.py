"""The step-through page in a browser: every step by key and by slider, links, contrast, phones, no errors.

It needs Debian's package chromium (or another Chromium on the path) and playwright; no browser is downloaded.
"""

import re
import shutil

import numpy as np
import pytest
from test_steps import diamond, loop, network

import minigrad as mg
from minigrad.show.page.steps import steps
from minigrad.show.page.walk import Walk

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(executable is None, reason="there is no chromium here to open the page in")

quiet = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(quiet))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Save the page of a loss and open it; at the end nothing may have gone wrong, or to the network."""
    said, asked, contexts = [], [], []

    def opened(loss, fragment="", width=1200, height=800, **options):
        path = steps(loss).save(tmp_path / "steps.html")
        context = browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{path.as_uri()}{fragment}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []
    assert all(url.startswith(("file:", "data:")) for url in asked)


def total(page):
    return int(page.get_attribute("#slider", "max"))


def test_every_step_is_reached_by_the_keyboard(open_page):
    loss = network()
    page = open_page(loss)
    walk = Walk(loss)
    n = total(page)
    assert n == len(walk.program.equations) + walk.backward_steps + 2
    titles = [page.inner_text("#title")]
    for i in range(2, n + 1):
        page.keyboard.press("ArrowRight")
        assert page.input_value("#slider") == str(i)
        assert page.evaluate("document.querySelector('#progress').value") == i
        assert page.url.endswith(f"#step={i}")
        assert page.locator(".pane .node.lit").count() >= 1
        assert page.inner_text("#title") in page.inner_text("#status")
        titles.append(page.inner_text("#title"))
    assert len(set(titles)) == n
    page.keyboard.press("ArrowRight")
    assert page.input_value("#slider") == str(n)
    assert page.is_disabled("#next")
    page.keyboard.press("Home")
    assert page.inner_text("#title") == titles[0]
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#title") == titles[-2]


def test_every_step_is_reached_by_the_slider(open_page):
    page = open_page(network())
    for i in range(total(page), 0, -1):
        page.fill("#slider", str(i))
        assert page.inner_text("#place") == f"step {i} of {total(page)}"
        assert page.inner_text("#title") in page.get_attribute("#slider", "aria-valuetext")
    page.focus("#slider")
    page.keyboard.press("ArrowRight")  # one step, not two: the slider has keys of its own
    assert page.input_value("#slider") == "2"
    page.keyboard.press("End")
    assert page.input_value("#slider") == str(total(page))


def test_the_buttons_walk_too(open_page):
    page = open_page(diamond()[1])
    page.click("#next")
    page.click("#next")
    page.click("#previous")
    assert page.input_value("#slider") == "2"
    page.click("#last")
    assert page.input_value("#slider") == str(total(page))
    page.click("#first")
    assert page.input_value("#slider") == "1"
    page.click("#play")
    assert page.inner_text("#play") == "Pause"
    sync_api.expect(page.locator("#slider")).to_have_value("2")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#play") == "Play"
    page.click("#whole")
    assert page.get_attribute("#whole", "aria-pressed") == "true"
    page.locator(".pane .node.output").click()
    assert "y = b * c" in page.inner_text("#title")


def test_a_link_leads_to_its_step(open_page):
    page = open_page(network(), "#step=17")
    assert page.inner_text("#place").startswith("step 17 of")
    page.evaluate("location.hash = '#step=20'")
    sync_api.expect(page.locator("#slider")).to_have_value("20")
    page = open_page(network(), "#step=99999")
    assert page.is_disabled("#next")
    page = open_page(network(), "#step=x")
    assert page.inner_text("#place").startswith("step 1 of")


def test_the_numbers_on_the_page_are_those_of_backward(open_page):
    loss = network()
    page = open_page(loss)
    page.keyboard.press("End")
    loss.backward()
    for leaf in Walk(loss).program.leaves:
        if leaf.kind == "parameter":
            table = page.locator(f'table[aria-label^="d{leaf.name},"] td')
            found = [float(text.replace("−", "-")) for text in table.all_inner_texts()]
            np.testing.assert_allclose(found, leaf.tensor.grad.data.ravel(), rtol=6e-3)


def test_adding_up_shows_both_parts_and_the_sum(open_page):
    page = open_page(diamond()[1])
    while page.inner_text("#phase") != "Adding up":
        page.keyboard.press("ArrowRight")
    assert page.locator("#matrices td").all_inner_texts() in (["12", "27", "39"], ["27", "12", "39"])
    assert page.locator("#matrices .sign").all_inner_texts() == ["+", "="]


def test_the_switch_shows_the_naive_order_and_its_wrong_number(open_page):
    page = open_page(network())
    assert page.locator(".verdict:visible").all_inner_texts() == ["dx = 156: right."]
    page.check("#order-depth")
    assert page.locator(".verdict:visible").all_inner_texts() == [
        "dx = 108: wrong, it is 156. What came too late was never passed on: 48 is missing."
    ]
    page.keyboard.press("ArrowLeft")  # the switch's own key
    assert page.is_checked("#order-newest")
    assert page.input_value("#slider") == "1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768, 1200])
def test_nothing_is_wider_than_the_screen(open_page, width, scheme):
    page = open_page(network(), width=width, height=844, color_scheme=scheme)
    for i in range(1, total(page) + 1, 5):
        page.fill("#slider", str(i))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    buttons = page.locator(".controls button").all()
    assert min(button.bounding_box()["height"] for button in buttons) >= 44  # a finger's width


@pytest.mark.parametrize("width", [320, 360, 700])
def test_on_a_phone_the_count_stands_beside_the_slider(open_page, width):
    page = open_page(network(), "#step=70", width=width)
    slider, count = (page.locator(which).bounding_box() for which in ("#slider", "#count"))
    assert slider["x"] + slider["width"] <= count["x"]
    assert slider["y"] < count["y"] + count["height"] / 2 < slider["y"] + slider["height"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast(open_page, scheme):
    """WCAG's 4.5 for every text that is seen, over its own background, in a few steps."""
    page = open_page(network(), color_scheme=scheme)
    for i in (1, 8, 40, 56, total(page)):
        page.fill("#slider", str(i))
        for text, ratio in page.evaluate(_contrasts):
            assert ratio >= 4.5, (i, text, ratio)


_contrasts = """() => {
  const numbers = (c) => [...c.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const light = (c) => {
    const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = c.slice(0, 3).map(v => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) {
      if (e.tagName === "g") {
        const fill = getComputedStyle(e.querySelector("rect")).fill;
        if (fill !== "none") layers.push(numbers(fill));
      }
      layers.push(numbers(getComputedStyle(e).backgroundColor));
    }
    return layers.reverse().reduce((below, c) => over(c, below), [255, 255, 255, 1]);
  };
  const found = [];
  const texts = "h1, h2, p, dt, dd, td, th, figcaption *, button, a, summary, label, .pane text";
  for (const e of document.querySelectorAll(texts)) {
    if (!e.textContent.trim() || !e.getClientRects().length || e.disabled) continue;
    const style = getComputedStyle(e);
    const a = light(numbers(e.tagName === "text" ? style.fill : style.color)), b = light(ground(e));
    found.push([e.textContent, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return found;
}"""


def test_a_screen_reader_finds_names_for_everything(open_page):
    page = open_page(network())
    assert page.get_by_role("slider", name="Step").count() == 1
    assert page.get_by_role("progressbar", name="Progress").count() == 1
    for name in ("First step", "Previous step", "Play", "Next step", "Last step", "Whole graph"):
        assert page.get_by_role("button", name=name, exact=True).count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    page.keyboard.press("ArrowRight")
    status = page.get_by_role("status")
    assert status.get_attribute("aria-live") == "polite"
    assert re.match(
        r"Step 2 of \d+\. Forward 1 of \d+: W1.T = transpose\(W1\)\. W1.T is computed", status.inner_text()
    )
    assert page.get_by_role("table", name="W1.T, shape (2, 4)").count() == 1


def test_names_are_texts_not_tags(open_page):
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="</script><img src=x onerror=alert(1)>")
    page = open_page(np.sum(x * x))
    for _ in range(total(page)):
        page.keyboard.press("ArrowRight")
    assert page.locator("img").count() == 0


def test_300_nodes_open(open_page):
    """All of them are there when the page has loaded; how long that takes is printed, not judged."""
    page = open_page(loop(148))
    assert page.locator(".pane .node").count() == 298
    assert page.inner_text("#title").startswith("Start")
    print("ms:", page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))


def test_it_works_in_a_notebooks_frame(browser):
    page = browser.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(steps(diamond()[1])._repr_html_())
    frame = page.frame_locator("iframe")
    frame.locator("#next").click()
    assert frame.locator("#place").inner_text().startswith("step 2 of")
    page.close()
    assert errors == []
