// Mends what the admin theme leaves out for people who use the keyboard or a screen reader.
"use strict";

(() => {
  const WORDS = { dock_to_right: "Show or hide the navigation", close: "Close", more_vert: "More", more_horiz: "More",
    filter_list: "Filters", search: "Search", hub: "Dashboard" };
  const NATIVE = "button, a[href], input, select, textarea, summary, label, tr, form, body, html";
  const FOCUSABLE = 'a[href], button:not([disabled]), input:not([disabled]):not([type="hidden"]), select, textarea, summary, [tabindex="0"]';

  // What the theme makes clickable without being a button can be reached and pressed by keyboard, and has a name.
  function mendClickable(element) {
    if (element.dataset.tcMended || element.matches(NATIVE)) return;
    const clicks = element.getAttributeNames().some((name) => /^(x-on:|@)click(?!\.(outside|away))/.test(name));
    if (!clicks || element.id === "changelist-filter-close") return;
    element.dataset.tcMended = "1";
    element.setAttribute("role", "button");
    element.tabIndex = 0;
    const icon = element.textContent.trim();
    if (WORDS[icon]) element.setAttribute("aria-label", WORDS[icon]);
    element.addEventListener("keydown", (event) => {
      if (event.target === element && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        element.click();
      }
    });
  }

  // The drawing of an icon is a word in a font; nobody wants to hear it.
  function hideIcon(icon) {
    if (icon.hasAttribute("aria-label") || icon.hasAttribute("role")) return;
    icon.setAttribute("aria-hidden", "true");
    const control = icon.closest('a, button, [role="button"]');
    if (!control || control.hasAttribute("aria-label") || control.title) return;
    const rest = [...control.querySelectorAll(".material-symbols-outlined")].reduce((text, each) => text.replace(each.textContent, ""), control.textContent);
    const word = icon.textContent.trim();
    if (!rest.trim()) control.setAttribute("aria-label", WORDS[word] || word.replaceAll("_", " "));
  }

  // A scrolling box is no landmark: several of one name would stand on each page.
  function mendScroller(box) {
    box.setAttribute("role", "group");
  }

  // The box that takes the place of a select has the name of that select.
  function nameChooser(box) {
    const select = box.closest(".select2-container")?.previousElementSibling;
    const label = select?.id && document.querySelector(`label[for="${select.id}"]`);
    const name = label ? label.textContent.trim() : "Choice";
    for (const part of [box, ...box.querySelectorAll('[role="textbox"], input')]) part.setAttribute("aria-label", name);
    box.removeAttribute("aria-labelledby");
  }

  function mend(root) {
    root.querySelectorAll("a, div, span, li, i").forEach(mendClickable);
    root.querySelectorAll(".material-symbols-outlined").forEach(hideIcon);
    root.querySelectorAll(".simplebar-content-wrapper").forEach(mendScroller);
    root.querySelectorAll(".select2-selection").forEach(nameChooser);
  }

  // --- The filters of a list open over the page: the keyboard stays inside, and comes back afterwards --------------
  function dialog(box, opener) {
    let open = false;
    const visible = () => getComputedStyle(box).position === "fixed" && getComputedStyle(box).display !== "none";
    const inside = () => [...box.querySelectorAll(FOCUSABLE)].filter((each) => each.getClientRects().length);
    const look = () => {
      if (visible() === open) return;
      open = !open;
      if (open) {
        box.setAttribute("role", "dialog");
        box.setAttribute("aria-modal", "true");
        box.setAttribute("aria-label", "Filters");
        inside()[0]?.focus();
      } else {
        for (const name of ["role", "aria-modal", "aria-label"]) box.removeAttribute(name);
        opener?.focus();
      }
    };
    new MutationObserver(look).observe(box, { attributes: true, attributeFilter: ["style", "class"] });
    box.addEventListener("keydown", (event) => {
      if (!open || event.key !== "Tab") return;
      const all = inside();
      const edge = event.shiftKey ? all[0] : all.at(-1);
      if (document.activeElement === edge) {
        event.preventDefault();
        (event.shiftKey ? all.at(-1) : all[0]).focus();
      }
    });
    look();
  }

  // Two navigations stand on each page: the pages, and the menu of the person.
  function nameNavigations() {
    document.getElementById("nav-sidebar-inner")?.setAttribute("aria-label", "Pages");
    document.querySelector("#nav-sidebar-inner nav")?.setAttribute("aria-label", "You");
  }

  nameNavigations();
  mend(document);
  document.addEventListener("alpine:initialized", () => {
    mend(document);
    const filters = document.getElementById("changelist-filter");
    if (!filters) return;
    const heading = document.createElement("h2");
    heading.className = "tc-visually-hidden";
    heading.textContent = "Filters";
    filters.prepend(heading);
    dialog(filters, document.querySelector('[x-on\\:click="filterOpen = true"]'));
  });
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === 1) mend(node.parentElement || node);
  }).observe(document.body, { childList: true, subtree: true });
})();
