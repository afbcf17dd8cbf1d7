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

  const drawn = new Map();
  function drawCard(host, card, chosen) {
    if (!window.TeamsCard) return;
    host.classList.add("teams-card");
    TeamsCard.draw(host, card, chosen || theme());
    drawn.set(host, card);
  }
  // Cards follow the page when it turns dark or light.
  new MutationObserver(() => {
    for (const [host, card] of drawn) host.isConnected ? TeamsCard.draw(host, card, theme()) : drawn.delete(host);
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });

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

  // --- Set-up: the URL is judged as it is pasted, and tried with a card ------------------------------
  const form = document.getElementById("connect");
  if (form) {
    const channel = form.elements.channel;
    const address = form.elements.webhook_url;
    const fresh = document.getElementById("new-channel");
    const verdict = document.getElementById("url-verdict");
    const attempt = document.getElementById("url-try");
    const toggle = () => { fresh.hidden = Boolean(channel.value); };
    channel.addEventListener("change", toggle);
    toggle();
    const ask = async (where) => {
      const body = new FormData();
      body.append("url", address.value.trim());
      body.append("place", [form.elements.team_name.value, form.elements.channel_name.value].map((each) => each.trim()).filter(Boolean).join(" › "));
      body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
      const answer = await fetch(where, { method: "POST", body });
      return answer.ok ? answer.json() : { ok: false, message: "The server could not look at it. Try once more." };
    };
    const say = (data) => {
      verdict.className = `tc-verdict ${data.ok ? "tc-yes" : "tc-no"}`;
      verdict.textContent = `${data.ok ? "✓" : "✗"} ${data.message}`;
    };
    let timer = 0;
    const judge = () => {
      clearTimeout(timer);
      const url = address.value.trim();
      verdict.textContent = "";
      attempt.hidden = true;
      form.elements.tested.value = "";
      if (!url) return;
      timer = setTimeout(async () => {
        const data = await ask(form.dataset.check);
        if (address.value.trim() !== url) return; // another one stands there by now
        say(data);
        attempt.hidden = !data.ok;
      }, 300);
    };
    address.addEventListener("input", judge);
    judge(); // it may have been pasted while the page was still loading
    attempt.addEventListener("click", async () => {
      const url = address.value.trim();
      attempt.disabled = true;
      verdict.className = "tc-verdict";
      verdict.textContent = "Sending a test card …";
      try {
        const data = await ask(form.dataset.try);
        if (address.value.trim() !== url) return;
        say(data);
        form.elements.tested.value = data.ok ? "on" : "";
        attempt.textContent = "Send another test card";
      } catch {
        say({ ok: false, message: "The server does not answer. Try once more." });
      } finally {
        attempt.disabled = false;
      }
    });

    // The third step takes the place of the first two: nobody has to find out where it went on.
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector(".tc-primary");
      const state = document.getElementById("connect-state");
      button.disabled = true;
      state.textContent = "Making the URL and the secret …";
      try {
        const answer = await fetch(location.href, { method: "POST", body: new FormData(form) });
        if (!answer.redirected) { form.submit(); return; } // something is missing: the page says what
        const next = new DOMParser().parseFromString(await answer.text(), "text/html");
        document.getElementById("content").replaceChildren(...next.getElementById("content").childNodes);
        document.title = next.title;
        history.pushState({}, "", answer.url);
        addEventListener("popstate", () => location.reload());
        scrollTo(0, 0);
        document.getElementById("paste").focus({ preventScroll: true });
        waitForEvents();
      } catch {
        button.disabled = false;
        state.textContent = "The server does not answer. Look under Connectors before you try once more.";
      }
    });
  }

  // --- Live: what arrives at a connector ----------------------------------------------------------------
  function way(steps) {
    const list = element("ol", "tc-way");
    const told = { ok: "done", wait: "under way", stop: "ended here" };
    for (const step of steps) {
      const row = element("li", `tc-way-${step.how}`, step.words);
      row.append(element("span", "tc-visually-hidden", ` (${told[step.how]})`));
      list.append(row);
    }
    return list;
  }

  function waitForEvents() {
    const arrivals = document.getElementById("arrivals");
    if (!arrivals) return;
    const list = document.getElementById("arrivals-list");
    const state = document.getElementById("arrivals-state");
    const refused = document.getElementById("arrivals-refused");
    const source = arrivals.dataset.source;
    let refusedAtFirst = null;
    let newest = null;
    let shown = "";
    const entry = (item, opened) => {
      const row = element("li", "tc-arrival");
      const link = element("a", "tc-link", item.title);
      link.href = item.trace;
      const head = element("p", "tc-arrival-head");
      head.append(link);
      row.append(head, way(item.steps));
      if (item.words) row.append(element("p", "tc-note", item.words));
      const [first] = item.deliveries;
      for (const each of item.deliveries) if (each.why) row.append(element("p", "tc-quiet", `${each.channel}: ${each.why}`));
      if (first && opened) {
        const host = element("div", "tc-card");
        row.append(host);
        drawCard(host, first.card);
      }
      return row;
    };
    const look = async () => {
      try {
        const answer = await fetch(arrivals.dataset.arrivals, { headers: { Accept: "application/json" } });
        if (answer.ok) {
          const data = await answer.json();
          const latest = data.events.length ? data.events[0].id : "";
          // What was refused before an event came through is mended.
          if (refusedAtFirst === null || latest !== newest) refusedAtFirst = data.refused;
          newest = latest;
          const wrong = data.refused - refusedAtFirst;
          const words = wrong > 0
            ? `${wrong} request${wrong > 1 ? "s" : ""} came with a missing or wrong signature and ${wrong > 1 ? "were" : "was"} refused. So the URL is right and the secret at ${source} is not: copy it from above once more, without spaces around it, and let ${source} send again.`
            : "";
          if (refused.textContent !== words) refused.textContent = words;
          refused.hidden = !words;
          const key = JSON.stringify([data.unread, data.events.map((each) => [each.id, each.steps])]);
          if (data.events.length + data.unread.length && key !== shown) {
            shown = key;
            arrivals.querySelector(".tc-pulse")?.remove();
            arrivals.querySelector("h2 span").textContent = data.events.length ? "The latest events" : "Something came";
            state.textContent = data.events.length ? `Connected: ${data.events[0].title}` : data.unread[0].malformed ? `${source} reaches this URL, but what it sent could not be read.` : "A request came and is being read.";
            const told = data.events.find((each) => each.deliveries.length);
            const unread = data.events.length && !data.unread.some((each) => each.malformed) ? [] : data.unread;
            list.replaceChildren(...unread.map((each) => entry(each, false)), ...data.events.map((each) => entry(each, each === told)));
          }
        }
      } catch { /* the server restarts; the next look tries again */ }
      if (arrivals.isConnected) setTimeout(look, document.hidden ? 5000 : 1000);
    };
    look();
    const sample = document.getElementById("sample-form");
    if (sample) {
      sample.addEventListener("submit", async (event) => {
        event.preventDefault();
        await fetch(sample.action, { method: "POST", body: new FormData(sample) });
      });
    }
  }
  addEventListener("load", waitForEvents);
})();
