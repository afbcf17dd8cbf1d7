// The preview panel: draws one event's card and verdict under what stands in the page's form, as it is typed.
// Other scripts listen for "tc:preview" (detail: the server's answer) and read TeamsPreview.fields(panel).
"use strict";

window.TeamsPreview = (() => {
  const PAUSE = 250; // ms after the last key

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  const pageTheme = () => (document.documentElement.classList.contains("dark") ? "dark" : "light");

  // What the page decides: its form's fields, without secrets and files, and which page it is.
  function fields(panel) {
    const form = panel.dataset.form ? document.getElementById(panel.dataset.form) : null;
    const data = new FormData();
    if (form) {
      const secret = new Set([...form.elements].filter((each) => each.type === "password").map((each) => each.name));
      for (const [name, value] of new FormData(form)) {
        if (typeof value === "string" && !secret.has(name) && !/(^|-)(webhook_url|new_url)$/.test(name)) data.append(name, value);
      }
    }
    data.set("csrfmiddlewaretoken", panel.querySelector("[name=csrfmiddlewaretoken]").value);
    data.set("preview_about", panel.dataset.about);
    data.set("preview_key", panel.dataset.key);
    return data;
  }

  function draw(host, card, theme) {
    if (!window.TeamsCard) return;
    host.classList.add("teams-card");
    TeamsCard.draw(host, card, theme || pageTheme());
  }

  function start(panel) {
    const part = (name) => panel.querySelector(`[data-preview-${name}]`);
    const material = part("material");
    const chooser = part("theme");
    const host = part("card");
    let chosen = panel.dataset.fixed || (material ? material.value : "");
    let card = null;
    let timer = 0;
    let asking = null;

    const redraw = () => { if (card) draw(host, card, chooser.value); };

    function showRules(data) {
      const list = part("rules-list");
      const rules = part("rules");
      const found = data.verdicts || [];
      rules.hidden = !found.length || !data.judged;
      list.replaceChildren();
      for (const each of found) {
        if (found.length > 1) {
          const head = element("p", "tc-rules-head");
          head.append(element("span", `tc-state tc-state-${each.matched ? "ok" : "failing"}`, each.matched ? "sent" : "dropped"), ` ${each.channel}`);
          list.append(head);
        }
        const steps = element("ol", "tc-rules");
        for (const step of each.steps) {
          const row = element("li");
          const passed = step.verdict === "pass";
          row.append(element("span", `tc-state tc-state-${passed ? "ok" : "failing"}`, passed ? "pass" : "stop"), ` ${step.rule}: ${step.detail}`);
          steps.append(row);
        }
        list.append(steps);
      }
    }

    function showDecision(data) {
      const box = part("decision");
      const rows = [];
      for (const messages of Object.values(data.errors || {})) for (const each of messages) rows.push(element("p", "tc-error", each));
      if (data.problem) rows.push(element("p", "tc-error", data.problem));
      if (!rows.length && data.judged) {
        rows.push(element("p", data.sent ? "tc-yes" : "tc-no", `${data.sent ? "✓" : "✗"} ${data.words}`));
      }
      if (!rows.length && !data.judged && data.outcome !== "ok" && data.words) rows.push(element("p", "tc-no", data.words));
      for (const each of data.hints || []) rows.push(element("p", "tc-hint", each));
      if (!rows.length && !data.judged && panel.dataset.about !== "source") rows.push(element("p", "tc-quiet", "Choose events to see which are sent."));
      box.hidden = !rows.length;
      // Told again only when it changed: a reader should not hear the same verdict at every key.
      const told = rows.map((row) => row.textContent).join("\n");
      if (box.dataset.told !== told) { box.replaceChildren(...rows); box.dataset.told = told; }
    }

    function showCard(data) {
      card = data.card || null;
      part("toast").hidden = part("size").hidden = host.hidden = !card;
      const lint = part("lint");
      lint.replaceChildren();
      if (card) {
        part("summary").textContent = data.summary || "Card";
        const meter = part("size").querySelector("meter");
        meter.max = data.budget;
        meter.low = data.budget * 0.6;
        meter.high = data.budget * 0.8;
        meter.optimum = 0;
        meter.value = data.bytes;
        part("size").querySelector("span").textContent = `${data.bytes.toLocaleString()} of ${data.budget.toLocaleString()} bytes, as Teams counts them`;
        for (const each of data.warnings || []) lint.append(element("li", "tc-advice", each));
        for (const each of data.lint || []) {
          const row = element("li", `tc-${each.level}`, each.message);
          if (each.path !== "$") row.title = each.path;
          lint.append(row);
        }
        redraw();
      }
      lint.hidden = !lint.children.length;
    }

    async function ask() {
      if (!chosen) { showDecision({ hints: ["There is no event to try yet."] }); return; }
      if (asking) asking.abort();
      asking = new AbortController();
      const body = fields(panel);
      body.set("preview_material", chosen);
      panel.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(panel.dataset.url, { method: "POST", body, signal: asking.signal, headers: { Accept: "application/json" } });
        const data = (answer.headers.get("content-type") || "").includes("json") ? await answer.json() : { problem: "The preview could not be made. Reload the page." };
        showDecision(data);
        if (!data.problem) { showRules(data); showCard(data); }
        panel.dispatchEvent(new CustomEvent("tc:preview", { bubbles: true, detail: data }));
        panel.removeAttribute("aria-busy");
      } catch (error) {
        if (error.name === "AbortError") return; // a newer question is on its way
        panel.removeAttribute("aria-busy");
        showDecision({ problem: "The server does not answer. The preview comes back with the next change." });
      }
    }

    const soon = () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); };

    chooser.addEventListener("change", redraw);
    new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    const widths = [...panel.querySelectorAll("[data-preview-width]")];
    for (const button of widths) {
      button.addEventListener("click", () => {
        for (const other of widths) other.setAttribute("aria-pressed", String(other === button));
        panel.classList.toggle("tc-phone", button.dataset.previewWidth === "phone");
      });
    }
    if (material) material.addEventListener("change", () => { chosen = material.value; mark(); ask(); });
    // Each event that can be ticked and has a sample offers its card.
    const offered = material ? [...material.options].map((each) => each.value) : [];
    for (const box of document.querySelectorAll(".tc-box[data-event]")) {
      const name = `sample:${box.dataset.event}`;
      const found = offered.find((each) => each === name || each.startsWith(`${name}__`));
      if (!found) continue;
      const button = element("button", "tc-linklike tc-show-card", "Card");
      button.type = "button";
      button.dataset.material = found;
      button.setAttribute("aria-label", `Show the card of ${box.dataset.event}`);
      button.setAttribute("aria-pressed", "false");
      box.append(button);
    }
    const shows = [...document.querySelectorAll("[data-material]")];
    const mark = () => { for (const each of shows) each.setAttribute("aria-pressed", String(each.dataset.material === chosen || chosen.startsWith(`${each.dataset.material}__`))); };
    for (const button of shows) {
      button.addEventListener("click", () => {
        chosen = button.dataset.material;
        const known = [...(material ? material.options : [])].find((each) => each.value === chosen || each.value.startsWith(`${chosen}__`));
        if (known) { material.value = known.value; chosen = known.value; }
        mark();
        ask();
        // On a narrow page the card stands far below.
        if (matchMedia("(max-width: 900px)").matches) panel.scrollIntoView({ block: "start" });
      });
    }
    mark();
    if (panel.dataset.form) {
      const form = document.getElementById(panel.dataset.form);
      form.addEventListener("input", soon);
      form.addEventListener("change", soon);
    }
    ask();
  }

  addEventListener("load", () => { for (const panel of document.querySelectorAll("[data-preview]")) start(panel); });
  return { element, fields, draw };
})();
