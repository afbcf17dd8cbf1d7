"""Pictures of a page as it stands: light, dark and on a phone."""

from __future__ import annotations

import base64
import os
import struct
import zlib
from pathlib import Path
from typing import Any

DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 800}
LOOKS = {"": ("light", DESK), "-dark": ("dark", DESK), "-phone": ("light", PHONE)}
WANTED = os.environ.get("SCREENSHOTS") == "1"  # `make screenshots`


# The 256 commonest colours of a picture, and for each point the place of the nearest of them.
_PALETTE = """async (data) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
  const { width, height } = image;
  const drawing = new OffscreenCanvas(width, height).getContext("2d");
  drawing.drawImage(image, 0, 0);
  const points = new Uint32Array(drawing.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const each of points) counts.set(each, (counts.get(each) || 0) + 1);
  const colours = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([each]) => each);
  const part = (each, shift) => (each >>> shift) & 255;
  const places = new Map(colours.map((each, place) => [each, place]));
  for (const each of counts.keys()) {
    if (places.has(each)) continue;
    let best = 0, least = Infinity;
    for (let place = 0; place < colours.length; place += 1) {
      let far = 0;
      for (const shift of [0, 8, 16]) far += (part(each, shift) - part(colours[place], shift)) ** 2;
      if (far < least) { least = far; best = place; }
    }
    places.set(each, best);
  }
  let text = "";
  for (const each of points) text += String.fromCharCode(places.get(each));
  return [width, height, colours.map((each) => [part(each, 0), part(each, 8), part(each, 16)]), btoa(text)];
}"""


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def small(page: Any, png: bytes) -> bytes:
    """The same picture with a palette (https://www.w3.org/TR/png-3/#3PNGimage), a third of the size."""
    blank = page.context.new_page()
    width, height, colours, text = blank.evaluate(_PALETTE, base64.b64encode(png).decode())
    blank.close()
    points = base64.b64decode(text)
    rows = b"".join(b"\0" + points[at : at + width] for at in range(0, len(points), width))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    palette = b"".join(bytes(each) for each in colours)
    parts = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in parts)


def picture(page: Any, path: Path, of: Any = None) -> None:
    """Write one picture of the page, or of a part of it."""
    png = (of or page).screenshot()
    path.write_bytes(small(page, png) if WANTED else png)


def shoot(page: Any, folder: Path, name: str, *, top: bool = True) -> None:
    """Write `<name>.png`, `<name>-dark.png` and `<name>-phone.png`; only the first where no pictures are wanted.

    top: from the top of the page; else as it is scrolled.
    The page must not have to be scrolled sideways on a phone.
    """
    before = page.viewport_size
    for ending, (scheme, size) in LOOKS.items():
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        # The theme looks at the scheme only when a page opens.
        page.evaluate("(dark) => document.documentElement.classList.toggle('dark', dark)", scheme == "dark")
        if top:
            page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(250 if WANTED else 0)
        if size is PHONE:
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 1, f"{name} has to be scrolled sideways on a phone: {wide} px"
        picture(page, folder / f"{name}{ending}.png")
        if not WANTED:
            break
    page.set_viewport_size(before)
    page.emulate_media(color_scheme="light")
    page.evaluate("document.documentElement.classList.remove('dark')")
