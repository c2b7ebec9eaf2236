"use strict";
// Everything here is comfort: without it the page says the same.
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // A link into something folded opens it.
  const reveal = () => {
    let name = "";
    try { name = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const target = name && document.getElementById(name);
    if (!target) return;
    for (let node = target; node; node = node.parentElement) if (node instanceof HTMLDetailsElement) node.open = true;
    if (target.classList.contains("filtered-out")) clearFilter();
    target.scrollIntoView();
  };

  const input = document.getElementById("event-filter");
  const table = document.getElementById("event-table");
  const rows = table ? Array.from(table.tBodies[0].rows) : [];
  const count = document.getElementById("event-count");
  const columns = { lane: 1, release: 2, what: 3, word: 4, evidence: 5 };
  const texts = rows.map((row) => Array.from(row.cells, (cell) => cell.textContent.toLowerCase()));
  const matches = (cells, word) => {
    const at = word.indexOf(":");
    const column = at > 0 ? columns[word.slice(0, at)] : undefined;
    return column === undefined ? cells.some((text) => text.includes(word)) : cells[column].includes(word.slice(at + 1));
  };
  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, index) => {
      const hit = words.every((word) => matches(texts[index], word));
      row.classList.toggle("filtered-out", !hit);
      if (hit) shown += 1;
    });
    count.textContent = words.length ? `${shown} of ${rows.length}` : `${rows.length} events`;
  };
  const clearFilter = () => { if (input) { input.value = ""; filter(); } };
  if (input && table) { input.addEventListener("input", filter); filter(); }

  // Sorting: stable, a third press restores the order of the document.
  const key = (row, column) => {
    const cell = row.cells[column];
    const time = cell.querySelector("time");
    return time ? time.getAttribute("datetime") : cell.textContent.trim();
  };
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const natural = new Intl.Collator("en", { numeric: true });
  for (const sortable of document.querySelectorAll("table.sortable")) {
    const body = sortable.tBodies[0];
    const original = Array.from(body.rows);
    const heads = Array.from(sortable.tHead.rows[0].cells);
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const next = now === "ascending" ? "descending" : now === "descending" ? "" : "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (next) head.setAttribute("aria-sort", next);
        const order = column === 0 ? compare : natural.compare;
        const sign = next === "descending" ? -1 : 1;
        const sorted = original.map((row) => [key(row, column), row]);
        if (next) sorted.sort((a, b) => sign * order(a[0], b[0]));
        body.append(...sorted.map((pair) => pair[1]));
      });
    });
  }

  for (const block of document.querySelectorAll(".copy")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy-button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${block.querySelector("h3").textContent}`);
    button.addEventListener("click", async () => {
      const code = block.querySelector("code");
      const done = () => { button.textContent = "Copied"; setTimeout(() => { button.textContent = "Copy"; }, 1500); };
      try {
        await navigator.clipboard.writeText(code.textContent);
        done();
      } catch {
        getSelection().selectAllChildren(code);
        if (document.execCommand("copy")) done();
      }
    });
    block.append(button);
  }

  // Paper shows everything.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    opened.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => { opened.forEach((details) => { details.open = false; }); });
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
})();
