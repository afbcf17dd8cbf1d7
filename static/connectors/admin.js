// Behaviour of our own admin pages: copying, questions before a button, search, live arrivals.
"use strict";

(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const theme = () => (document.documentElement.classList.contains("dark") ? "dark" : "light");

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function drawCard(host, card, chosen) {
    if (!window.TeamsCard) return;
    host.classList.add("teams-card");
    TeamsCard.draw(host, card, chosen || theme());
  }

  // --- Copy buttons and questions ---------------------------------------------------------------
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(button.previousElementSibling);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset && event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  // --- Catalog ------------------------------------------------------------------------------------
  const search = document.getElementById("catalog-search");
  if (search) {
    const tiles = all(".tc-tile");
    const count = document.getElementById("catalog-count");
    let category = "";
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const tile of tiles) {
        const fits = (!category || tile.dataset.category === category) && words.every((word) => tile.dataset.words.includes(word));
        tile.hidden = !fits;
        if (fits) left += 1;
      }
      document.querySelector(".tc-none").hidden = left > 0;
      count.textContent = `${left} sources`;
    };
    search.addEventListener("input", filter);
    for (const chip of all(".tc-chip")) {
      chip.addEventListener("click", () => {
        category = chip.dataset.category;
        for (const other of all(".tc-chip")) other.setAttribute("aria-pressed", String(other === chip));
        filter();
      });
    }
    search.focus();
  }

  // --- Cards that stand in the page -------------------------------------------------------------
  addEventListener("load", () => {
    for (const host of all(".tc-card[data-card]")) drawCard(host, JSON.parse(host.dataset.card));
  });

  // --- Set-up: the URL is judged as it is pasted ------------------------------------------------------
  const form = document.getElementById("connect");
  if (form) {
    const channel = form.elements.channel;
    const fresh = document.getElementById("new-channel");
    const verdict = document.getElementById("url-verdict");
    const toggle = () => { fresh.hidden = Boolean(channel.value); };
    channel.addEventListener("change", toggle);
    toggle();
    let timer = 0;
    const judge = () => {
      clearTimeout(timer);
      const url = form.elements.webhook_url.value.trim();
      verdict.textContent = "";
      if (!url) return;
      timer = setTimeout(async () => {
        const body = new FormData();
        body.append("url", url);
        body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
        const answer = await fetch(form.dataset.check, { method: "POST", body });
        if (!answer.ok || form.elements.webhook_url.value.trim() !== url) return; // another one stands there by now
        const data = await answer.json();
        verdict.className = `tc-verdict ${data.ok ? "tc-yes" : "tc-no"}`;
        verdict.textContent = `${data.ok ? "✓" : "✗"} ${data.message}`;
      }, 300);
    };
    form.elements.webhook_url.addEventListener("input", judge);
    judge(); // it may have been pasted while the page was still loading
  }

  // --- Live: what arrives at a connector ----------------------------------------------------------------
  const arrivals = document.getElementById("arrivals");
  if (arrivals) {
    const list = document.getElementById("arrivals-list");
    const state = document.getElementById("arrivals-state");
    const refused = document.getElementById("arrivals-refused");
    let refusedAtFirst = null;
    let shown = "";
    const entry = (item) => {
      const row = element("li");
      const head = element("p");
      const link = element("a", "tc-link", item.title);
      link.href = item.trace;
      head.append("Received → verified → ", element("span", `tc-state tc-state-${item.outcome}`, item.outcome), " ", link);
      row.append(head);
      if (item.reason) row.append(element("p", "tc-quiet", item.reason));
      for (const each of item.deliveries) {
        const line = element("p");
        line.append(`${each.channel}: `, element("span", `tc-state tc-state-${each.status}`, each.status), ` ${each.why}`);
        const host = element("div", "tc-card");
        row.append(line, host);
        drawCard(host, each.card);
      }
      return row;
    };
    const look = async () => {
      try {
        const answer = await fetch(arrivals.dataset.arrivals, { headers: { Accept: "application/json" } });
        if (answer.ok) {
          const data = await answer.json();
          if (refusedAtFirst === null) refusedAtFirst = data.refused;
          const wrong = data.refused - refusedAtFirst;
          refused.hidden = wrong <= 0;
          if (wrong > 0) refused.textContent = `${wrong} request${wrong > 1 ? "s" : ""} came with a missing or wrong signature and ${wrong > 1 ? "were" : "was"} refused. Copy the secret to the source again.`;
          const key = JSON.stringify(data.events.map((each) => [each.id, each.deliveries.map((one) => one.status)]));
          if (data.events.length && key !== shown) {
            shown = key;
            arrivals.querySelector("h2").textContent = "The latest events";
            state.textContent = `Connected: ${data.events[0].title}`;
            list.replaceChildren(...data.events.map(entry));
          }
        }
      } catch { /* the server restarts; the next look tries again */ }
      setTimeout(look, document.hidden ? 5000 : 1000);
    };
    addEventListener("load", look);
    const sample = document.getElementById("sample-form");
    if (sample) {
      sample.addEventListener("submit", async (event) => {
        event.preventDefault();
        await fetch(sample.action, { method: "POST", body: new FormData(sample) });
      });
    }
  }
})();
