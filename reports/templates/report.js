// What a report gains by a script: search and filters, copying of commands, keys. It reads the page and changes
// nothing but what is shown; all that a target sent stays text.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const $ = (id) => document.getElementById(id);
  const tools = $("tools"), search = $("search"), found = $("found");
  const choices = ["verdict", "level", "area"].map((name) => [name, $("by-" + name)]);
  const rows = [...document.querySelectorAll("[data-verdict]")];
  const texts = new Map(), opened = new Set();
  const sections = [...document.querySelectorAll(".sifted")];
  tools.hidden = false;

  const textOf = (row) => {
    // What a row says, without its commands: the name of the model stands in each of them.
    const parts = row.matches("tr") ? [row] : [...row.querySelectorAll("h3, .what, figure, h4, dd, .group > p, .evidence > p, th, td")];
    if (!texts.has(row)) texts.set(row, parts.map((part) => part.textContent).join(" ").toLowerCase());
    return texts.get(row);
  };

  const sift = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = choices.filter(([, choice]) => choice.value);
    const active = Boolean(words.length || wanted.length);
    let shown = 0;
    for (const row of rows) {
      const keep = wanted.every(([name, choice]) => row.dataset[name] === choice.value)
        && words.every((word) => textOf(row).includes(word));
      row.hidden = !keep;
      shown += keep;
      const fold = row.closest("details");
      if (fold && active && keep && !fold.open) {
        fold.open = true;
        opened.add(fold);
      }
    }
    for (const section of sections) {
      const inside = [...section.querySelectorAll("[data-verdict]")];
      const left = inside.filter((row) => !row.hidden).length;
      section.hidden = active && !left;
      const count = section.querySelector("h2 .count");
      if (count) count.textContent = active ? `${left} of ${inside.length}` : inside.length;
      for (const fold of section.querySelectorAll(":scope > details"))
        fold.hidden = active && !fold.querySelector("[data-verdict]:not([hidden])");
    }
    if (!active) {
      for (const fold of opened) fold.open = false;
      opened.clear();
    }
    for (const section of document.querySelectorAll(".whole")) section.hidden = active;
    found.value = !active ? "" : shown ? `${shown} of ${rows.length}` : "nothing found";
  };

  tools.addEventListener("input", sift);
  tools.addEventListener("reset", () => setTimeout(sift));
  tools.addEventListener("submit", (event) => event.preventDefault());

  for (const box of document.querySelectorAll("pre.copied")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy: " + box.getAttribute("aria-label"));
    button.addEventListener("click", async () => {
      let done = true;
      try {
        await navigator.clipboard.writeText(box.textContent);
      } catch {
        // Pages from a file may have no clipboard: the line is selected, and copied the old way.
        getSelection().selectAllChildren(box);
        done = document.execCommand("copy");
      }
      button.textContent = done ? "Copied" : "Press Ctrl-C";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    box.before(button);
  }

  const reveal = () => {
    let target = null;
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { /* no id */ }
    target = target || document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.closest("[hidden]")) tools.reset(), sift();
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  // The same link once more changes no hash.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) reveal();
  });
  if (location.hash) reveal();

  const step = (by) => {
    const stops = rows.filter((row) => row.matches("article") && !row.hidden && !row.closest("[hidden], details:not([open])"));
    if (!stops.length) return;
    const at = stops.findIndex((stop) => stop.contains(document.activeElement));
    // From where the reader is: at a finding, else at what is seen.
    const below = stops.findIndex((stop) => stop.getBoundingClientRect().top > 1);
    const seen = by > 0 ? (below < 0 ? stops.length - 1 : below) : (below < 0 ? stops.length : below) - 1;
    const next = stops[Math.min(stops.length - 1, Math.max(0, at < 0 ? seen : at + by))];
    next.tabIndex = -1;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "start" });
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape") {
      tools.reset();
      sift();
      search.blur();
    } else if (!typing && event.key === "/") {
      event.preventDefault();
      search.focus();
    } else if (!typing && (event.key === "j" || event.key === "k")) {
      step(event.key === "j" ? 1 : -1);
    }
  });

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => { for (const fold of folded) fold.open = false; });
});
