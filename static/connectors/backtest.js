// The backtest below a form: asks the server for one slice after the other and shows the sum.
"use strict";

(() => {
  const LISTED = 50; // events named in one list
  const PAIRS = 12; // pairs of cards drawn
  const section = document.querySelector("[data-backtest]");
  const panel = document.querySelector("[data-preview]");
  if (!section || !panel) return;
  const { element, fields, draw } = window.TeamsPreview;
  const part = (name) => section.querySelector(`[data-backtest-${name}]`);
  const number = (value) => value.toLocaleString();
  const cards = (count) => `${number(count)} card${count === 1 ? "" : "s"}`;
  let stopped = false;

  const nothing = () => ({
    checked: 0, sent: 0, dropped: 0, sent_before: 0, newly_sent: 0, newly_dropped: 0, changed: 0, unreadable: 0, biggest: 0,
    added_events: [], removed_events: [], changed_cards: [], days: new Map(), reasons: new Map(), problems: new Map(),
  });

  function add(sum, slice) {
    for (const key of ["checked", "sent", "dropped", "sent_before", "newly_sent", "newly_dropped", "changed", "unreadable"]) sum[key] += slice[key];
    sum.biggest = Math.max(sum.biggest, slice.biggest);
    sum.budget = slice.budget;
    sum.compared = slice.compared;
    for (const [key, most] of [["added_events", LISTED], ["removed_events", LISTED], ["changed_cards", PAIRS]]) {
      sum[key].push(...slice[key].slice(0, Math.max(0, most - sum[key].length)));
    }
    for (const each of slice.days) {
      const row = sum.days.get(each.day) || { events: 0, sent: 0, sent_before: 0 };
      for (const key of Object.keys(row)) row[key] += each[key];
      sum.days.set(each.day, row);
    }
    for (const each of slice.reasons) sum.reasons.set(each.rule, (sum.reasons.get(each.rule) || 0) + each.events);
    for (const each of slice.problems) sum.problems.set(each.problem, (sum.problems.get(each.problem) || 0) + each.cards);
  }

  async function ask(body) {
    const answer = await fetch(section.dataset.url, { method: "POST", body, headers: { Accept: "application/json" } });
    if (!(answer.headers.get("content-type") || "").includes("json")) throw new Error("The backtest broke off. Reload the page and run it again.");
    const data = await answer.json();
    if (data.problem) throw new Error(data.problem);
    return data;
  }

  async function run() {
    const sum = nothing();
    const base = fields(panel); // the form as it stood when the button was pressed
    const limit = Number(part("limit").value);
    const progress = part("progress");
    let cursor = "";
    stopped = false;
    part("run").disabled = true;
    part("stop").hidden = progress.hidden = false;
    progress.removeAttribute("value");
    part("state").className = "";
    part("state").textContent = "Reading stored events …";
    try {
      do {
        base.set("backtest_days", part("days").value);
        base.set("backtest_left", String(limit - sum.checked));
        base.set("backtest_cursor", cursor);
        const slice = await ask(base);
        if (slice.total !== undefined) progress.max = Math.max(1, slice.total);
        add(sum, slice);
        progress.value = sum.checked;
        cursor = slice.cursor || "";
        show(sum);
      } while (cursor && sum.checked < limit && !stopped);
      part("state").textContent = summary(sum, stopped);
    } catch (error) {
      part("state").className = "tc-error";
      part("state").textContent = error.message;
    }
    part("run").disabled = false;
    part("stop").hidden = progress.hidden = true;
  }

  function summary(sum, early) {
    if (!sum.checked) return "No event is stored for this time. Choose a longer one, or send a sample.";
    const events = `${number(sum.checked)} event${sum.checked === 1 ? "" : "s"}`;
    let words = `${early ? "Stopped after" : "Tried on"} ${events}: ${number(sum.sent)} would be sent, ${number(sum.dropped)} dropped.`;
    if (sum.compared) {
      const same = !sum.newly_sent && !sum.newly_dropped && !sum.changed;
      words += same ? " Nothing differs from what is saved." : ` Against what is saved: ${number(sum.newly_sent)} more, ${number(sum.newly_dropped)} fewer, ${cards(sum.changed)} changed.`;
    }
    return words;
  }

  function total(label, value, level) {
    const row = element("li");
    const box = element("div", `tc-total${level ? ` tc-total-${level}` : ""}`);
    box.append(element("span", "tc-quiet", label), element("strong", "", value));
    row.append(box);
    return row;
  }

  function show(sum) {
    part("result").hidden = !sum.checked;
    const totals = [total("Would be sent", number(sum.sent)), total("Would be dropped", number(sum.dropped))];
    if (sum.compared) {
      totals.push(
        total("More than now", `+${number(sum.newly_sent)}`),
        total("Fewer than now", `−${number(sum.newly_dropped)}`),
        total("Changed cards", number(sum.changed)),
      );
    }
    if (sum.sent) totals.push(total("Biggest, of the limit", `${Math.round((100 * sum.biggest) / sum.budget)} %`, sum.biggest > sum.budget * 0.8 ? "warning" : ""));
    part("totals").replaceChildren(...totals);
    const parts = [days(sum), ...pairs(sum)];
    parts.push(...events("Newly sent", sum.added_events, sum.newly_sent, "it was dropped before: "));
    parts.push(...events("No longer sent", sum.removed_events, sum.newly_dropped, ""));
    parts.push(...counts("Why events are dropped", sum.reasons, "Rule", "Events"), ...counts("Remarks on the cards", sum.problems, "Remark", "Cards"));
    part("parts").replaceChildren(...parts);
  }

  function head(table, ...names) {
    const row = element("tr");
    for (const name of names) { const cell = element("th", "", name); cell.scope = "col"; row.append(cell); }
    const top = element("thead");
    top.append(row);
    table.append(top);
  }

  function titled(title, ...inner) {
    const box = element("section", "tc-backtest-part");
    box.append(element("h3", "", title), ...inner);
    return box;
  }

  function bar(value, most, kind) {
    const line = element("span", "tc-bar");
    line.setAttribute("aria-hidden", "true");
    const full = element("span", `tc-bar-${kind}`);
    full.style.width = `${most ? Math.max(value ? 2 : 0, (100 * value) / most) : 0}%`;
    line.append(full);
    return line;
  }

  function days(sum) {
    const table = element("table", "tc-table tc-days");
    head(table, ...["Day (UTC)", "Events", ...(sum.compared ? ["Cards as saved"] : []), sum.compared ? "Cards with this form" : "Cards"]);
    const body = element("tbody");
    const found = [...sum.days].sort();
    const most = Math.max(1, ...found.map(([, row]) => Math.max(row.events, row.sent, row.sent_before)));
    for (const [day, row] of found) {
      const line = element("tr");
      const name = element("th", "", new Date(`${day}T00:00:00Z`).toLocaleDateString("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short" }));
      name.scope = "row";
      line.append(name);
      for (const [value, kind] of [[row.events, "events"], ...(sum.compared ? [[row.sent_before, "saved"]] : []), [row.sent, "cards"]]) {
        const cell = element("td");
        cell.append(element("span", "tc-bar-number", number(value)), bar(value, most, kind));
        line.append(cell);
      }
      body.append(line);
    }
    table.append(body);
    return titled("Cards per day", table);
  }

  function events(title, rows, count, lead) {
    if (!count) return [];
    const list = element("ul", "tc-list");
    for (const each of rows) {
      const row = element("li");
      const link = element("a", "tc-link", each.title);
      link.href = each.trace;
      link.target = "_blank";
      link.rel = "noopener";
      row.append(link, element("span", "tc-quiet", each.why ? ` ${lead}${each.why}` : ""));
      list.append(row);
    }
    const more = count - rows.length;
    if (more > 0) list.append(element("li", "tc-quiet", `and ${number(more)} more`));
    return [titled(`${title} (${number(count)})`, list)];
  }

  function counts(title, found, name, unit) {
    if (!found.size) return [];
    const table = element("table", "tc-table");
    head(table, name, unit);
    const body = element("tbody");
    for (const [words, count] of [...found].sort((one, other) => other[1] - one[1])) {
      const line = element("tr");
      line.append(element("td", "", words), element("td", "", number(count)));
      body.append(line);
    }
    table.append(body);
    return [titled(title, table)];
  }

  function pairs(sum) {
    if (!sum.changed) return [];
    const box = element("div", "tc-pairs");
    for (const each of sum.changed_cards) {
      const pair = element("details", "tc-guide");
      if (box.children.length < 2) pair.open = true;
      pair.append(element("summary", "", each.title));
      const both = element("div", "tc-pair-cards");
      for (const [title, card] of [["As saved", each.before], ["With this form", each.after]]) {
        const side = element("div");
        const host = element("div", "tc-card");
        side.append(element("p", "tc-quiet", title), host);
        both.append(side);
        draw(host, card);
      }
      pair.append(both);
      box.append(pair);
    }
    const more = sum.changed - sum.changed_cards.length;
    return [titled(`Changed cards (${number(sum.changed)})`, box, ...(more > 0 ? [element("p", "tc-quiet", `and ${number(more)} more`)] : []))];
  }

  part("run").addEventListener("click", run);
  part("stop").addEventListener("click", () => { stopped = true; });
})();
