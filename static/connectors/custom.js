// The editor of custom connectors. The JSON text is the truth; the form writes into it; both are previewed as typed.
"use strict";

(() => {
  const root = document.getElementById("editor");
  if (!root) return;
  const $ = (id) => document.getElementById(id);
  const source = $("document"), formHost = root.querySelector("[data-editor-form]"), jsonHost = root.querySelector("[data-editor-json]");
  const readOnly = source.readOnly;
  let mapping = null, timer = 0, number = 0, shown = [], chosen = 0;

  const SCHEMES = [
    ["url", "The secret address alone", []], ["shared_header", "Secret in a header", ["header"]],
    ["hmac_body", "Signature over the body (HMAC)", ["header", "prefix", "algorithm", "encoding"]],
    ["hmac_timestamped", "Signature over time and body (HMAC)", ["header", "timestamp_header", "separator", "prefix", "encoding"]],
    ["standard_webhooks", "Standard Webhooks", []], ["bearer", "Bearer token", []], ["basic", "User and password (Basic)", []],
    ["query_token", "Secret in the address's query", ["parameter"]],
  ];
  const VERIFY = {
    header: ["Header", ""], prefix: ["Before the signature", "for example sha256="], timestamp_header: ["Header of the time", ""],
    separator: ["Between time and body", ""], parameter: ["Query parameter", ""],
    algorithm: ["Digest", "", ["sha256", "sha1", "sha512"]], encoding: ["Written as", "", ["hex", "base64"]],
  };
  const READ = {
    format: ["Format", "", ["auto", "json", "form", "cloudevents"]], batch: ["Events stand at", "empty: the body is one event, or a list of them"],
    name: ["Event's name at", "type || event"], name_header: ["Or in the header", "X-Event"],
    id: ["Event's id at", "an event with a known id is told once"], id_header: ["Or in the header", ""],
  };
  const EVENT = [
    ["name", "Event", "order.created, order.* or *"], ["label", "Label", ""], ["group", "Group", ""],
    ["filter", "Only if (JMESPath)", "level == 'high'"], ["title", "Title", "", 2], ["text", "Text (Markdown)", "", 4],
    ["status", "State word", ""], ["severity", "Severity", "good, info, warning, attention, urgent – or a word such as failed"],
    ["actor", "Who", ""], ["link", "Link", ""], ["link_title", "Button", "Open"], ["container", "Where it lives", ""],
    ["container_link", "Link of that", ""], ["image", "Picture", "https://…"], ["ignore", "Ignore, because", "makes no card when filled in"],
  ];

  const make = (tag, props = {}, ...inner) => {
    const made = Object.assign(document.createElement(tag), props);
    made.append(...inner);
    return made;
  };

  // --- The form -----------------------------------------------------------------------------------
  const write = () => {
    source.value = JSON.stringify(mapping, null, 2);
    later();
  };
  const set = (target, key, value) => {
    if (value === "" || value === undefined) delete target[key];
    else target[key] = value;
    write();
  };
  function field(target, key, label, help, where, extra) {
    const id = `f-${number += 1}`;
    const value = target[key] === undefined ? "" : target[key];
    let input;
    if (Array.isArray(extra)) {
      input = make("select", { id, className: "tc-input" });
      for (const each of extra) {
        const [key_, words] = Array.isArray(each) ? each : [each, each];
        input.append(make("option", { value: key_, textContent: words }));
      }
      input.value = value === "" ? input.options[0].value : value;
    } else if (extra) {
      input = make("textarea", { id, className: "tc-code", rows: extra, value, spellcheck: false });
    } else {
      input = make("input", { id, className: "tc-input", value, placeholder: help || "", autocomplete: "off", spellcheck: false });
    }
    input.disabled = readOnly;
    input.dataset.where = where;
    input.addEventListener("input", () => set(target, key, input.value));
    return make("div", { className: "tc-field" }, make("label", { htmlFor: id, textContent: label }), input);
  }
  const group = (title, open, ...inner) =>
    make("details", { className: "tc-guide", open }, make("summary", { textContent: title }), make("div", { className: "tc-fields" }, ...inner));

  function facts(event, where) {
    const host = make("fieldset", { className: "tc-facts" }, make("legend", { textContent: "Facts" }));
    (event.facts || []).forEach((fact, index) => {
      const row = make("div", { className: "tc-fact" }, field(fact, "title", "Name", "", `${where}.facts.${index}.title`),
        field(fact, "value", "Value", "", `${where}.facts.${index}.value`));
      if (!readOnly) row.append(button("Remove", () => { event.facts.splice(index, 1); write(); draw(); }, `Remove the fact ${fact.title || index + 1}`));
      host.append(row);
    });
    if (!readOnly) host.append(button("Add a fact", () => { (event.facts = event.facts || []).push({ title: "", value: "" }); write(); draw(); }));
    return host;
  }
  function button(words, act, label) {
    const made = make("button", { type: "button", className: "tc-button", textContent: words });
    if (label) made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  }
  function draw() {
    formHost.replaceChildren();
    if (!mapping || typeof mapping !== "object" || Array.isArray(mapping)) {
      formHost.append(make("p", { className: "tc-note", textContent: "The JSON cannot be read at the moment. Mend it in the JSON view." }));
      return;
    }
    const verification = (mapping.verification = mapping.verification || {}), reading = (mapping.reading = mapping.reading || {});
    formHost.append(
      make("div", { className: "tc-fields" }, field(mapping, "name", "Name", "", "name"), field(mapping, "summary", "One line about it", "", "summary"),
        field(mapping, "docs_url", "Its documentation", "https://…", "docs_url")),
    );
    const scheme = field(verification, "scheme", "Requests are verified by", "", "verification.scheme", SCHEMES.map(([key, words]) => [key, words]));
    scheme.querySelector("select").addEventListener("change", draw);
    const used = (SCHEMES.find(([key]) => key === (verification.scheme || "url")) || SCHEMES[0])[2];
    formHost.append(group("Verification", true, scheme, ...used.map((key) => field(verification, key, VERIFY[key][0], VERIFY[key][1], `verification.${key}`, VERIFY[key][2]))));
    formHost.append(group("Where things stand", true, ...Object.entries(READ).map(([key, [label, help, extra]]) => field(reading, key, label, help, `reading.${key}`, extra))));
    (mapping.events = mapping.events || []).forEach((event, index) => {
      const where = `events.${index}`;
      const box = group(`Event: ${event.name || "new"}`, mapping.events.length < 4 || index === mapping.events.length - 1,
        ...EVENT.map(([key, label, help, extra]) => field(event, key, label, help, `${where}.${key}`, extra)), facts(event, where));
      const ticked = make("input", { type: "checkbox", checked: event.default !== false, disabled: readOnly });
      ticked.addEventListener("change", () => { if (ticked.checked) delete event.default; else event.default = false; write(); });
      box.lastChild.append(make("label", { className: "tc-tick" }, ticked, " Ticked in a new subscription"));
      if (!readOnly) box.lastChild.append(button("Remove this event", () => { mapping.events.splice(index, 1); write(); draw(); }, `Remove this event: ${event.name || index + 1}`));
      formHost.append(box);
    });
    if (!readOnly) formHost.append(button("Add an event", () => { mapping.events.push({ name: "", title: "" }); write(); draw(); }));
    mark();
  }
  const read = () => {
    try { mapping = JSON.parse(source.value); } catch { mapping = null; }
  };
  for (const chip of root.querySelectorAll("[data-view]")) {
    chip.addEventListener("click", () => view(chip.dataset.view));
  }
  function view(name) {
    for (const each of root.querySelectorAll("[data-view]")) each.setAttribute("aria-pressed", String(each.dataset.view === name));
    jsonHost.hidden = name !== "json";
    formHost.hidden = name === "json";
    if (name === "form") { read(); draw(); }
  }
  source.addEventListener("input", () => { read(); later(); });

  // --- The payload ---------------------------------------------------------------------------------
  const headersBox = $("payload-headers"), bodyBox = $("payload-body"), choice = $("payload-choice");
  const headerLines = (headers) => Object.entries(headers || {}).map(([name, value]) => `${name}: ${value}`).join("\n");
  const headersOf = () => Object.fromEntries(headersBox.value.split("\n").map((line) => line.split(/:(.*)/s)).filter((part) => part.length > 1)
    .map(([name, value]) => [name.trim().toLowerCase(), value.trim()]));
  function samples() {
    for (const old of choice.querySelectorAll("[data-sample]")) old.remove();
    ((mapping && mapping.samples) || []).forEach((each, index) => {
      const option = make("option", { value: String(index), textContent: `Sample: ${each.event || index + 1}` });
      option.dataset.sample = "1";
      choice.append(option);
    });
  }
  function fill(headers, body) {
    headersBox.value = headerLines(headers);
    try { bodyBox.value = JSON.stringify(JSON.parse(body), null, 2); } catch { bodyBox.value = body; }
    later();
  }
  choice.addEventListener("change", async () => {
    const option = choice.selectedOptions[0];
    if (!choice.value) return;
    if (option.dataset.sample) {
      const each = mapping.samples[Number(choice.value)];
      fill(each.headers, each.body);
      return;
    }
    const answer = await fetch(choice.value, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      const data = await answer.json();
      fill(data.headers, data.body);
    }
  });
  for (const box of [headersBox, bodyBox]) box.addEventListener("input", () => { choice.value = ""; later(); });
  $("keep-sample").hidden = readOnly;
  $("keep-sample").addEventListener("click", () => {
    if (!mapping) return;
    const keep = ["content-type", ...Object.keys(headersOf()).filter((name) => name.startsWith("x-") || name.startsWith("ce-") || name.startsWith("webhook-"))];
    const headers = Object.fromEntries(Object.entries(headersOf()).filter(([name]) => keep.includes(name)));
    (mapping.samples = mapping.samples || []).push({ event: shown[0] ? shown[0].name : "", headers, body: bodyBox.value });
    write();
    samples();
    $("card-toast").textContent = "Kept. Save the mapping to store it.";
  });

  // --- The card --------------------------------------------------------------------------------------
  const host = $("card-host"), toast = $("card-toast"), themeBox = $("card-theme"), events = $("event-choice");
  const theme = () => themeBox.value || (document.documentElement.classList.contains("dark") ? "dark" : "light");
  let problems = [];
  function mark() {
    for (const input of formHost.querySelectorAll("[data-where]")) {
      const wrong = problems.some((each) => each.where === input.dataset.where);
      if (wrong) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
    }
  }
  function list(id, lines) {
    $(id).replaceChildren(...lines.map((words) => make("li", { textContent: words })));
  }
  function redraw() {
    const each = shown[chosen];
    host.replaceChildren();
    $("card-meter").value = 0;
    $("card-size").textContent = "";
    if (!each) return;
    toast.textContent = each.card ? each.summary : `${each.name}: ${each.outcome}. ${each.reason}`;
    list("card-notes", [`Event ${each.name}${each.id ? `, id ${each.id}` : ""}: ${each.outcome}`, ...(each.warnings || []), ...(each.lint || [])]);
    if (!each.card) return;
    $("card-meter").max = each.budget;
    $("card-meter").value = each.bytes;
    $("card-size").textContent = `${each.bytes.toLocaleString()} of ${each.budget.toLocaleString()} bytes`;
    if (window.TeamsCard) {
      host.classList.add("teams-card");
      TeamsCard.draw(host, each.card, theme());
    }
  }
  themeBox.addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
  $("card-phone").addEventListener("change", (event) => host.classList.toggle("tc-phone-card", event.target.checked));
  events.addEventListener("change", () => { chosen = Number(events.value); redraw(); });

  let latest = 0;
  async function preview() {
    const mine = (latest += 1);
    if (!mapping) {
      problems = [{ where: "mapping", line: 0, message: "This is no JSON yet. Check commas and quotes." }];
      list("card-problems", problems.map((each) => each.message));
      return;
    }
    const token = root.querySelector("[name=csrfmiddlewaretoken]").value;
    let data;
    try {
      const answer = await fetch(root.dataset.previewUrl, {
        method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": token, Accept: "application/json" },
        body: JSON.stringify({ mapping, headers: headersOf(), body: bodyBox.value }),
      });
      data = await answer.json();
    } catch {
      toast.textContent = "The preview does not answer. Check the connection.";
      return;
    }
    if (mine !== latest) return;
    problems = data.problems;
    list("card-problems", [...problems.map((each) => `${each.where}${each.line ? `, line ${each.line}` : ""}: ${each.message}`), ...(data.trouble ? [data.trouble] : [])]);
    mark();
    if (problems.length) return;
    shown = data.events;
    if (chosen >= shown.length) chosen = 0;
    $("event-choice-field").hidden = shown.length < 2;
    events.replaceChildren(...shown.map((each, index) => make("option", { value: String(index), textContent: `${index + 1}. ${each.name}` })));
    events.value = String(chosen);
    if (!shown.length) toast.textContent = data.trouble || "This request holds no event.";
    redraw();
  }
  function later() {
    clearTimeout(timer);
    timer = setTimeout(preview, 250);
  }

  read();
  samples();
  view("form");
  if (mapping && mapping.samples && mapping.samples[0]) {
    choice.value = choice.querySelector("[data-sample]") ? "0" : "";
    fill(mapping.samples[0].headers, mapping.samples[0].body);
  } else {
    const first = choice.options[1];
    if (first) { choice.value = first.value; choice.dispatchEvent(new Event("change")); }
    else later();
  }
  addEventListener("load", redraw);
})();
