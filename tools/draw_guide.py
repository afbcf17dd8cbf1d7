"""Draws the pictures of the set-up guides, light and dark, into static/connectors/guide: `make docs`.

They are sketches of what Teams shows, with the place to click marked; no screenshots, so nothing of Microsoft's is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "static" / "connectors" / "guide"
WIDTH, HEIGHT = 640, 300
FONT = "'Segoe UI', system-ui, Roboto, 'Helvetica Neue', sans-serif"


@dataclass(frozen=True)
class Palette:
    """The colours of one look."""

    back: str
    panel: str
    line: str
    text: str
    quiet: str
    hot: str
    glow: str
    on_hot: str


LOOKS = {
    "light": Palette("#f0f0f4", "#ffffff", "#c9c9d4", "#242430", "#5d5d6e", "#4a4db0", "#e6e6fa", "#ffffff"),
    "dark": Palette("#17171f", "#26262f", "#4a4a58", "#f4f4f8", "#b9b9c8", "#a6a7ff", "#33335a", "#17171f"),
}


@dataclass
class Sketch:
    """A picture in the making; every method adds a part."""

    look: Palette
    parts: list[str] = field(default_factory=list)

    def box(
        self, x: int, y: int, w: int, h: int, *, fill: str = "", hot: bool = False, round_: int = 6
    ) -> None:
        colour, thick = (self.look.hot, 3) if hot else (self.look.line, 1)
        inside = fill or (self.look.glow if hot else self.look.panel)
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="{round_}" fill="{inside}" stroke="{colour}" '
            f'stroke-width="{thick}"/>'
        )

    def text(self, x: int, y: int, words: str, *, size: int = 14, bold: bool = False, colour: str = "",
             anchor: str = "start") -> None:  # fmt: skip
        weight = 600 if bold else 400
        self.parts.append(
            f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
            f'fill="{colour or self.look.text}">{escape(words)}</text>'
        )

    def window(self, title: str, x: int = 20, y: int = 20, w: int = 600, h: int = 260) -> None:
        self.box(x, y, w, h, round_=10)
        self.text(x + 20, y + 32, title, size=16, bold=True)

    def menu(self, x: int, y: int, items: tuple[str, ...], hot: str, w: int = 210) -> None:
        self.box(x, y, w, len(items) * 32 + 12, round_=8)
        for place, item in enumerate(items):
            top = y + 6 + place * 32
            if item == hot:
                self.box(x + 5, top + 1, w - 10, 30, hot=True)
            self.text(x + 18, top + 21, item, bold=item == hot)

    def entry(self, x: int, y: int, w: int, label: str, value: str, *, hot: bool = False) -> None:
        self.text(x, y, label, size=12, colour=self.look.quiet)
        self.box(x, y + 8, w, 34, hot=hot)
        self.text(x + 12, y + 30, value)

    def button(self, x: int, y: int, words: str, *, w: int = 110, hot: bool = True) -> None:
        self.box(x, y, w, 34, fill=self.look.hot if hot else self.look.panel)
        self.text(x + w // 2, y + 22, words, bold=True, anchor="middle",
                  colour=self.look.on_hot if hot else self.look.text)  # fmt: skip

    def mark(self, x: int, y: int, number: int) -> None:
        """Which thing to click first, second and so on."""
        self.parts.append(f'<circle cx="{x}" cy="{y}" r="13" fill="{self.look.hot}"/>')
        self.text(x, y + 5, str(number), bold=True, colour=self.look.on_hot, anchor="middle")

    def team(self, hot_channel: bool) -> None:
        """The list of teams and channels at the left."""
        self.box(20, 20, 250, 260, round_=10)
        self.text(38, 52, "Platform", bold=True)
        self.box(30, 66, 230, 34, fill=self.look.glow if hot_channel else self.look.panel, round_=6)
        self.text(56, 88, "General")
        self.text(56, 124, "Releases")
        self.text(
            234, 88 if hot_channel else 52, "⋯", size=20, bold=True, anchor="middle", colour=self.look.hot
        )

    def svg(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}" font-family="{FONT}">\n'
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="{self.look.back}"/>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )  # fmt: skip


def channel_menu(s: Sketch) -> None:
    s.team(hot_channel=True)
    s.mark(234, 58, 1)
    s.menu(300, 64, ("Channel notifications", "Manage channel", "Workflows", "Copy link"), "Workflows")
    s.mark(526, 151, 2)


def template(s: Sketch) -> None:
    s.window("Workflows")
    s.entry(40, 76, 560, "Search", "webhook")
    s.mark(600, 76, 1)
    s.box(40, 136, 270, 122, hot=True)
    s.text(56, 166, "Send webhook alerts", bold=True)
    s.text(56, 186, "to a channel", bold=True)
    s.text(56, 216, "Older name: Post to a channel", size=12, colour=s.look.quiet)
    s.text(56, 232, "when a webhook request", size=12, colour=s.look.quiet)
    s.text(56, 248, "is received", size=12, colour=s.look.quiet)
    s.mark(310, 136, 2)
    s.box(330, 136, 270, 122)
    s.text(346, 166, "Send webhook alerts", bold=True)
    s.text(346, 186, "to a chat", bold=True)
    s.text(346, 216, "Not this one: it knows no channel", size=12, colour=s.look.quiet)


def place(s: Sketch) -> None:
    s.window("Send webhook alerts to a channel")
    s.entry(40, 82, 560, "Microsoft Teams Team", "Platform", hot=True)
    s.mark(600, 90, 1)
    s.entry(40, 148, 560, "Microsoft Teams Channel", "General", hot=True)
    s.mark(600, 156, 2)
    s.button(490, 226, "Save")
    s.mark(600, 226, 3)


def copy_url(s: Sketch) -> None:
    s.window("Workflow added")
    s.text(40, 88, "Use this URL to send alerts to the channel.", colour=s.look.quiet)
    s.entry(40, 116, 440, "HTTP URL", "https://….environment.api.powerplatform.com…", hot=True)
    s.button(494, 124, "Copy", w=106)
    s.mark(600, 122, 1)
    s.text(40, 204, "Who can trigger the flow?", size=12, colour=s.look.quiet)
    s.box(40, 212, 200, 34, hot=True)
    s.text(52, 234, "Anyone", bold=True)
    s.mark(240, 212, 2)


def team_menu(s: Sketch) -> None:
    s.team(hot_channel=False)
    s.mark(262, 46, 1)
    s.menu(300, 40, ("Hide", "Manage team", "Add channel", "Add member"), "Manage team")
    s.mark(526, 95, 2)


def apps_tab(s: Sketch) -> None:
    s.window("Platform")
    for x, word in ((40, "Members"), (140, "Channels"), (240, "Settings")):
        s.text(x, 88, word, colour=s.look.quiet)
    s.box(326, 66, 70, 34, hot=True)
    s.text(361, 88, "Apps", bold=True, anchor="middle")
    s.mark(396, 66, 1)
    s.text(40, 138, "Apps of this team", colour=s.look.quiet)
    s.box(40, 150, 560, 50)
    s.text(58, 181, "Workflows")
    s.box(360, 226, 240, 34, hot=True)
    s.text(480, 248, "Create an outgoing webhook", bold=True, anchor="middle")
    s.mark(600, 226, 2)


def webhook_form(s: Sketch) -> None:
    s.window("Create an outgoing webhook")
    s.entry(40, 76, 560, "Name", "Connector", hot=True)
    s.mark(600, 84, 1)
    s.entry(40, 138, 560, "Callback URL", "https://connectors.example/teams/…", hot=True)
    s.mark(600, 146, 2)
    s.entry(40, 200, 430, "Description", "Asks Teams Connectors")
    s.button(490, 208, "Create")
    s.mark(600, 208, 3)


def token(s: Sketch) -> None:
    s.window("Security token")
    s.text(40, 88, "Teams shows this once. Copy it before you close.", colour=s.look.quiet)
    s.entry(40, 122, 440, "HMAC security token", "aBcD…0123…=", hot=True)
    s.button(494, 130, "Copy", w=106)
    s.mark(600, 128, 1)
    s.button(490, 216, "Close", hot=False)


PICTURES: dict[str, Callable[[Sketch], None]] = {
    "channel-menu": channel_menu, "template": template, "place": place, "copy-url": copy_url, "team-menu": team_menu,
    "apps-tab": apps_tab, "webhook-form": webhook_form, "token": token,
}  # fmt: skip


def drawn() -> Iterator[tuple[str, str]]:
    """Every file's name and content."""
    for name, draw in PICTURES.items():
        for look, palette in LOOKS.items():
            sketch = Sketch(palette)
            draw(sketch)
            yield f"{name}-{look}.svg", sketch.svg()


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, content in drawn():
        (TARGET / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
