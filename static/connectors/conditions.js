// A builder over the text of the conditions: the text stays what is saved, and both can be edited.
"use strict";

(() => {
  const OPS = [
    ["is", "is"], ["is_not", "is not"], ["matches", "matches the pattern"], ["not_matches", "does not match"],
    ["contains", "contains"], ["not_contains", "does not contain"], ["at_least", "is at least"], ["at_most", "is at most"],
    ["exists", "is there"], ["absent", "is not there"], ["holds", "holds (expression)"],
  ];
  const ALONE = new Set(["exists", "absent", "holds"]);
  const SEVERITIES = ["neutral", "info", "good", "warning", "attention"];
  // What people ask for most; a field is offered when the events of this source have it.
  const USUAL = [
    ["Leave out bots", ["bot"], "is_not", "true"], ["Only these branches", ["branch"], "matches", "main, release/*"],
    ["Only these repositories", ["repository", "project", "board", "site"], "matches", ""],
    ["Leave out repositories", ["repository", "project", "board", "site"], "not_matches", ""],
    ["Only with a label", ["labels"], "matches", ""], ["Leave out labels", ["labels"], "not_matches", ""],
    ["Leave out authors", ["author", "sender"], "not_matches", "*[bot]"], ["Leave out events", ["event"], "not_matches", ""],
    ["Only from warnings up", ["severity"], "at_least", "warning"],
  ];
  const text = document.getElementById("id_conditions");
  const panel = document.querySelector("[data-preview]");
  if (!text || !panel) return;
  const { element } = window.TeamsPreview;
  const words = OPS.map(([op]) => op).sort((one, other) => other.length - one.length).map((op) => op.replace("_", "[ _]"));
  const LINE = new RegExp(`^(\\S.*?)\\s+(${words.join("|")})(?:\\s+(.*))?$`, "i");
  const values = new Map(); // field -> a value seen
  const names = element("datalist");
  names.id = "condition-fields";

  const box = element("div", "tc-builder");
  const list = element("div", "tc-builder-rows");
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", "Conditions");
  const more = element("button", "tc-button", "Add a condition");
  more.type = "button";
  const usual = element("div", "tc-chips");
  usual.setAttribute("role", "group");
  usual.setAttribute("aria-label", "Usual conditions");
  const verdict = element("p", "tc-builder-verdict"); // where the preview stands further down; it is told there
  box.append(names, list, more, usual, verdict);
  const raw = element("details", "tc-guide tc-builder-text");
  raw.append(element("summary", "", "As text"));
  text.before(box);
  text.after(raw);
  const inner = element("div");
  inner.append(text);
  raw.append(inner);
  if (text.closest("form").querySelector(".errorlist, [id$=_error]")) raw.open = true;

  function write() {
    const lines = [...list.children].map(lineOf).filter(Boolean);
    const kept = text.value.split("\n").filter((line) => line.trim() && !parse(line));
    text.value = [...lines, ...kept].join("\n");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function lineOf(row) {
    const [field, op, value, missing] = row.querySelectorAll("input, select");
    const name = field.value.trim();
    if (!name || (!ALONE.has(op.value) && !value.value.trim())) return "";
    return `${name}${missing.checked ? "?" : ""} ${op.value}${ALONE.has(op.value) ? "" : ` ${value.value.trim()}`}`;
  }

  function parse(line) {
    const found = LINE.exec(line.trim());
    if (!found) return null;
    const field = found[1].replace(/\s*\?$/, "");
    return { field, missing: field !== found[1], op: found[2].toLowerCase().replace(" ", "_"), value: found[3] || "" };
  }

  function row({ field = "", op = "is", value = "", missing = false } = {}) {
    const made = element("div", "tc-condition");
    const number = list.children.length + 1;
    const name = element("input", "tc-input");
    name.setAttribute("list", names.id);
    name.value = field;
    name.placeholder = "branch, or $.path";
    name.setAttribute("aria-label", `Condition ${number}: field or path`);
    const choose = element("select", "tc-input");
    choose.setAttribute("aria-label", `Condition ${number}: comparison`);
    for (const [key, label] of OPS) choose.append(new Option(label, key, false, key === op));
    const wanted = element("input", "tc-input");
    wanted.value = value;
    wanted.setAttribute("aria-label", `Condition ${number}: value`);
    const known = element("datalist");
    known.id = `condition-values-${Date.now()}-${number}`;
    wanted.setAttribute("list", known.id);
    const without = element("label", "tc-quiet tc-condition-missing");
    const box = element("input");
    box.type = "checkbox";
    box.checked = missing;
    without.append(box, " also events without it");
    const remove = element("button", "tc-button", "Remove");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove condition ${number}`);
    const look = () => {
      wanted.hidden = ALONE.has(choose.value);
      wanted.placeholder = /match/.test(choose.value) ? "main, release/*" : "one or more, with commas";
      const seen = name.value === "severity" ? SEVERITIES : values.has(name.value) ? [values.get(name.value)] : [];
      known.replaceChildren(...seen.map((each) => new Option(each)));
      without.hidden = !name.value || name.value.startsWith("$") || ["event", "severity"].includes(name.value) || /not|absent|exists|holds/.test(choose.value);
      if (without.hidden) box.checked = false;
    };
    for (const each of [name, choose, wanted, box]) {
      each.addEventListener("input", (event) => { event.stopPropagation(); look(); write(); });
      each.addEventListener("change", (event) => event.stopPropagation());
    }
    remove.addEventListener("click", () => { made.remove(); write(); more.focus(); });
    made.append(name, choose, wanted, without, remove, known);
    list.append(made);
    look();
    return made;
  }

  function read() {
    list.replaceChildren();
    for (const line of text.value.split("\n")) { const found = parse(line); if (found) row(found); }
  }

  more.addEventListener("click", () => row().querySelector("input").focus());
  text.addEventListener("input", (event) => { if (event.isTrusted) read(); });
  box.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target.tagName === "INPUT") event.preventDefault(); });

  panel.addEventListener("tc:preview", (event) => {
    const { fields: found, words, judged } = event.detail;
    verdict.textContent = judged ? words : "";
    if (!found) return;
    values.clear();
    for (const each of found) values.set(each.field, each.value);
    names.replaceChildren(...["severity", ...values.keys()].map((field) => {
      const made = new Option(field);
      if (values.get(field)) made.label = values.get(field);
      made.value = field;
      return made;
    }));
    const offered = USUAL.map(([label, wanted, ...rest]) => [label, wanted.find((each) => each === "severity" || each === "event" || values.has(each)), ...rest]).filter(([, field]) => field);
    const key = offered.map(([label, field]) => label + field).join();
    if (usual.dataset.offered === key) return; // what has the focus keeps it
    usual.dataset.offered = key;
    usual.replaceChildren();
    for (const [label, field, op, value] of offered) {
      const chip = element("button", "tc-chip", label);
      chip.type = "button";
      chip.addEventListener("click", () => {
        const made = row({ field, op, value, missing: /Only these|Only with/.test(label) });
        write();
        made.querySelectorAll("input")[1].focus();
      });
      usual.append(chip);
    }
  });
  read();
})();
