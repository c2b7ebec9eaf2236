// The filter is comfort: without it the page says the same.
(() => {
  const input = document.getElementById("project-filter");
  const table = document.getElementById("project-table");
  const count = document.getElementById("project-count");
  if (!input || !table || !count) return;
  document.getElementById("project-filter-box").hidden = false;
  const rows = Array.from(table.tBodies[0].rows, (row) => [row, row.textContent.toLowerCase()]);
  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [row, text] of rows) {
      const hit = words.every((word) => text.includes(word));
      row.classList.toggle("filtered-out", !hit);
      if (hit) shown += 1;
    }
    count.textContent = `${shown} of ${rows.length} projects`;
  };
  input.addEventListener("input", apply);
  apply();
})();
