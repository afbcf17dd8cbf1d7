// The page of a replay: how far it is, live.
"use strict";

(() => {
  const page = document.getElementById("replay");
  if (!page || "over" in page.dataset) return;
  const part = (name) => page.querySelector(`[data-${name}]`);
  const bar = document.getElementById("replay-bar");
  let told = 0;

  function show(data) {
    bar.value = data.percent;
    part("percent").textContent = `${data.percent} %`;
    const status = part("status");
    status.textContent = data.status;
    status.className = `tc-state tc-state-${data.status}`;
    for (const figure of page.querySelectorAll("[data-figure]")) figure.textContent = data[figure.dataset.figure].toLocaleString();
    // A screen reader would read every change aloud: the words follow at a calmer pace.
    if (data.over || Date.now() - told > 5000) {
      told = Date.now();
      part("words").textContent = data.words;
    }
    const form = part("cancel");
    if (form) form.hidden = data.over;
  }

  async function look() {
    let over = false;
    try {
      const answer = await fetch(page.dataset.state, { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const data = await answer.json();
        show(data);
        over = data.over;
      }
    } catch { /* the server restarts; the next look tries again */ }
    if (!over) setTimeout(look, document.hidden ? 5000 : 1000);
  }
  look();
})();
