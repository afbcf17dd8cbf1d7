// The sandbox's channel: asks for new posts, draws them, and keeps the view's choices.
"use strict";

(() => {
  const posts = document.getElementById("posts");
  const themeBox = document.getElementById("theme");
  const phoneBox = document.getElementById("phone");
  if (!posts) return;
  const empty = document.getElementById("empty");
  const live = document.getElementById("live");
  const faultState = document.getElementById("fault-state");
  const shown = []; // {host, card}: what has to be drawn again when the theme changes
  const EVERY = 700; // ms between two looks
  let last = "";

  const preferred = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const remember = (key, value) => { try { localStorage.setItem(`sandbox.${key}`, value); } catch { /* private window */ } };
  const recall = (key) => { try { return localStorage.getItem(`sandbox.${key}`); } catch { return null; } };

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  function applyTheme() {
    document.body.dataset.theme = themeBox.value;
    for (const { host, card } of shown) TeamsCard.draw(host, card, themeBox.value);
  }

  function applyWidth() {
    posts.classList.toggle("phone", phoneBox.checked);
  }

  function post(item) {
    const article = element("article", item.problem ? "post failed" : "post");
    article.dataset.id = item.id;
    const head = element("header");
    const time = element("time", "", new Date(item.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }));
    time.dateTime = item.at;
    head.append(element("span", "avatar", "W"), element("h2", "", "Workflows"), time);
    article.append(head);
    if (item.problem) {
      article.append(element("p", "problem", `The sender was told 202, but nothing was posted: ${item.message}`));
      return article;
    }
    const host = element("div", "teams-card");
    article.append(host);
    TeamsCard.draw(host, item.card, themeBox.value);
    shown.push({ host, card: item.card });
    const share = Math.min(100, Math.round((item.bytes / 28672) * 100));
    const size = element("p", "size", `${item.bytes.toLocaleString()} of 28,672 bytes (${share} %)`);
    article.append(size);
    if (item.remarks.length) {
      const list = element("ul", "remarks");
      for (const remark of item.remarks) list.append(element("li", "", remark));
      article.append(list);
    }
    return article;
  }

  function show(data) {
    if (data.reset) {
      posts.querySelectorAll("article").forEach((each) => each.remove());
      shown.length = 0;
    }
    for (const item of data.cards) {
      posts.append(post(item));
      last = item.id;
    }
    empty.hidden = posts.querySelector("article") !== null;
    if (data.cards.length) {
      live.textContent = `${data.cards.length} new post${data.cards.length > 1 ? "s" : ""}`;
      posts.lastElementChild.scrollIntoView({ block: "nearest" });
    }
    faultState.textContent = data.fault ? `(on: the next ${data.fault_left})` : "";
  }

  async function look() {
    try {
      const query = new URLSearchParams({ channel: posts.dataset.channel, after: last });
      const answer = await fetch(`${posts.dataset.feed}?${query}`, { headers: { Accept: "application/json" } });
      if (answer.status === 401) return location.reload();
      if (answer.ok) {
        const data = await answer.json();
        if (data.reset) last = "";
        show(data);
      }
    } catch { /* the server restarts; the next look tries again */ }
    setTimeout(look, document.hidden ? EVERY * 5 : EVERY);
  }

  themeBox.value = recall("theme") || preferred();
  phoneBox.checked = recall("phone") === "1";
  themeBox.addEventListener("change", () => { remember("theme", themeBox.value); applyTheme(); });
  phoneBox.addEventListener("change", () => { remember("phone", phoneBox.checked ? "1" : ""); applyWidth(); });
  document.getElementById("clear").addEventListener("submit", (event) => {
    if (!confirm("Remove all posts of this channel?")) event.preventDefault();
  });
  applyTheme();
  applyWidth();
  look();
})();
