"""What a person does on the page, in the words of a person."""

from __future__ import annotations

import re
import time
from typing import Any

Path = list[tuple[float, float]]
SEVEN: Path = [(0.3, 0.25), (0.68, 0.25), (0.45, 0.78)]


def draw(page: Any, strokes: Path = SEVEN) -> None:
    """A stroke on the drawing pad, in shares of its sides."""
    drag(page, "[data-testid=pad]", strokes)


def drag(page: Any, selector: str, path: Path, steps: int = 6) -> None:
    """Press, move along the path, let go."""
    box = page.locator(selector).first.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=steps)
    page.mouse.up()


def picture(page: Any, selector: str) -> list[int]:
    """The pixels of a canvas; of a large one a few figures that no two pictures share."""
    return page.eval_on_selector(  # type: ignore[no-any-return]
        selector,
        """node => { const c = node.matches('canvas') ? node : node.querySelector('canvas');
            const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            if (data.length <= 50000) return [...data];
            let a = 0, b = 0;
            data.forEach((v, i) => { a = (Math.imul(a, 31) + v) | 0; b = (b + v * (i % 9973)) % 1e9; });
            return [a, b]; }""",
    )


def waist(page: Any) -> Any:
    """The handle of the waist."""
    return page.locator("[data-band=code][role=slider]")


def width(page: Any) -> int:
    """How many numbers the waist says it has."""
    return int(waist(page).get_attribute("aria-valuenow"))


def decibels(page: Any) -> float:
    """The PSNR that the page shows."""
    return float(re.sub(r"[^\d.]", "", page.locator("[data-testid=psnr]").inner_text()))


def wait_state(page: Any, *states: str) -> None:
    """Until the transport says one of these; what it says instead is worth knowing."""
    wanted = ", ".join(f"[data-testid=state][data-state={state}]" for state in states)
    try:
        page.wait_for_selector(wanted)
    except Exception as error:
        now = page.get_by_test_id("state").get_attribute("data-state")
        raise AssertionError(f"the transport says {now!r}, not {' or '.join(states)}") from error


def dock(page: Any, name: str) -> None:
    """Open one of the views below."""
    page.get_by_role("tab", name=name, exact=True).click()


def preset(page: Any, name: str) -> None:
    """Press a preset."""
    page.get_by_role("group", name="Presets").get_by_role("button", name=name, exact=True).click()


def shown_numbers(page: Any, numbers: int) -> None:
    """Until the headline says so many numbers in the middle."""
    page.wait_for_function(
        "n => document.querySelector('.big .code')?.textContent.includes(n + ' number')",
        arg=f"{numbers:,}",
    )


def end(server: Any, run: str) -> None:
    """Stop a run that may still be starting, and put it into the bin."""
    for _ in range(600):
        now = server.call("GET", f"/runs/{run}")
        if "delete" in now["can"] and "stop" not in now["can"]:
            break
        if "stop" in now["can"]:
            server.ask("POST", f"/runs/{run}/stop")
        time.sleep(0.1)
    server.call("DELETE", f"/runs/{run}")
