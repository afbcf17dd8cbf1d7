// Draws an Adaptive Card as Teams would, with the official renderer. Used by the sandbox and by previews.
"use strict";

window.TeamsCard = (() => {
  const FONT = '"Segoe UI", system-ui, -apple-system, Roboto, "Helvetica Neue", sans-serif';
  // Teams' own palettes, per theme: text, subtle, card, emphasis, and the tinted containers.
  const THEMES = {
    light: {
      text: "#242424", subtle: "#616161", accent: "#5b5fc7", good: "#0d6b0d", warning: "#8a5a00", attention: "#b10e1c",
      card: "#ffffff", emphasis: "#f3f3f4", accentBox: "#eeeefb", goodBox: "#e9f5e9", warningBox: "#fff6dc",
      attentionBox: "#fdecee", line: "#e0e0e0",
    },
    dark: {
      text: "#ffffff", subtle: "#c8c8c8", accent: "#a6a7ff", good: "#92d492", warning: "#f2c661", attention: "#f9a0a8",
      card: "#292929", emphasis: "#363636", accentBox: "#33335a", goodBox: "#1d3a20", warningBox: "#4a3a10",
      attentionBox: "#4d2126", line: "#484848",
    },
    contrast: {
      text: "#ffffff", subtle: "#ffffff", accent: "#ffff00", good: "#3ff23f", warning: "#ffff00", attention: "#ff8f8f",
      card: "#000000", emphasis: "#000000", accentBox: "#000000", goodBox: "#000000", warningBox: "#000000",
      attentionBox: "#000000", line: "#ffffff",
    },
  };

  function hostConfig(name) {
    const t = THEMES[name] || THEMES.light;
    const pair = (colour) => ({ default: colour, subtle: colour });
    const foreground = {
      default: { default: t.text, subtle: t.subtle }, dark: pair(t.text), light: pair(t.subtle), accent: pair(t.accent),
      good: pair(t.good), warning: pair(t.warning), attention: pair(t.attention),
    };
    const box = (background) => ({ backgroundColor: background, foregroundColors: foreground, borderColor: t.line });
    return {
      fontFamily: FONT,
      fontTypes: {
        default: { fontFamily: FONT, fontSizes: { small: 12, default: 14, medium: 16, large: 18, extraLarge: 24 },
          fontWeights: { lighter: 300, default: 400, bolder: 600 } },
        monospace: { fontFamily: '"Cascadia Code", Consolas, Menlo, monospace',
          fontSizes: { small: 12, default: 14, medium: 16, large: 18, extraLarge: 24 },
          fontWeights: { lighter: 300, default: 400, bolder: 600 } },
      },
      supportsInteractivity: true,
      spacing: { small: 4, default: 8, medium: 12, large: 16, extraLarge: 24, padding: 16 },
      separator: { lineThickness: 1, lineColor: t.line },
      imageSizes: { small: 32, medium: 52, large: 100 },
      containerStyles: {
        default: box(t.card), emphasis: box(t.emphasis), accent: box(t.accentBox), good: box(t.goodBox),
        warning: box(t.warningBox), attention: box(t.attentionBox),
      },
      actions: { maxActions: 6, spacing: "default", buttonSpacing: 8, showCard: { actionMode: "inline", inlineTopMargin: 12 },
        actionsOrientation: "horizontal", actionAlignment: "left" },
      factSet: {
        title: { color: "default", size: "default", isSubtle: false, weight: "bolder", wrap: true, maxWidth: 150 },
        value: { color: "default", size: "default", isSubtle: false, weight: "default", wrap: true }, spacing: 12,
      },
      textBlock: { headingLevel: 3 },
    };
  }

  const markdown = window.markdownit("zero", { linkify: false, breaks: true })
    .enable(["emphasis", "link", "list", "escape", "newline", "strikethrough"]);
  AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = markdown.render(text);
    result.didProcess = true;
  };

  // Pictures of other hosts are asked for by Teams, never by this page: a stand-in shows where they will be.
  const STAND_IN = "data:image/svg+xml," + encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="16" fill="#8a8cd9"/>' +
    '<circle cx="16" cy="12" r="5" fill="#fff"/><path d="M6 27a10 8 0 0 1 20 0z" fill="#fff"/></svg>');

  function isForeign(address) {
    try {
      const url = new URL(address, location.href);
      return url.protocol !== "data:" && url.origin !== location.origin;
    } catch {
      return true;
    }
  }

  function withoutForeign(value) {
    if (Array.isArray(value)) return value.map(withoutForeign);
    if (!value || typeof value !== "object") return value;
    const copy = {};
    for (const [key, inner] of Object.entries(value)) {
      const picture = (key === "url" && value.type === "Image") || key === "iconUrl" || key === "poster";
      if (picture && typeof inner === "string" && isForeign(inner)) copy[key] = STAND_IN;
      else if (key === "backgroundImage" && isForeign(typeof inner === "string" ? inner : inner?.url)) continue;
      else copy[key] = withoutForeign(inner);
    }
    return copy;
  }

  // Draw `content` into `target`. theme: light, dark or contrast. Returns false when it cannot be drawn.
  function draw(target, content, theme) {
    target.replaceChildren();
    target.dataset.theme = theme;
    const card = new AdaptiveCards.AdaptiveCard();
    card.hostConfig = new AdaptiveCards.HostConfig(hostConfig(theme));
    card.onExecuteAction = (action) => {
      const url = action.url || "";
      if (/^https?:\/\//i.test(url)) window.open(url, "_blank", "noopener,noreferrer");
    };
    try {
      card.parse(withoutForeign(content));
      const element = card.render();
      if (!element) return false;
      for (const anchor of element.querySelectorAll("a")) {
        anchor.target = "_blank";
        anchor.rel = "noopener noreferrer";
      }
      target.append(element);
      return true;
    } catch {
      target.textContent = "This card cannot be drawn.";
      return false;
    }
  }

  return { draw, themes: Object.keys(THEMES) };
})();
