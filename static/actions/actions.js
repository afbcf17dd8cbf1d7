// Waits for what a person or a background task does elsewhere, shows local times, and sends a form once.
"use strict";

for (const time of document.querySelectorAll("time[datetime]")) {
  time.textContent = new Date(time.dateTime).toLocaleString();
}

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) button.disabled = true;
  });
}
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form[data-once] button")) button.disabled = false;
});

const waiting = document.querySelector("[data-poll]");
if (waiting) {
  const started = Date.now();
  const look = async () => {
    try {
      const answer = await fetch(waiting.dataset.poll, { headers: { Accept: "application/json" } });
      if (answer.ok && (await answer.json()).ready) {
        location.reload();
        return;
      }
    } catch {
      // The next look may succeed.
    }
    if (Date.now() - started < 15 * 60 * 1000) setTimeout(look, Date.now() - started < 20000 ? 700 : 3000);
  };
  setTimeout(look, 500);
}
