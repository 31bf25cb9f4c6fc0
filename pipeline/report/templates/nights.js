"use strict";
(() => {
  const FIRST = 50; // rows that are shown before a reader asks for more
  const table = document.getElementById("table"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const words = document.getElementById("words"), kind = document.getElementById("kind");
  const count = document.getElementById("count"), more = document.getElementById("more");
  const rows = [...body.rows].map((row, place) => ({ row, place, text: row.textContent.toLowerCase() }));
  let all = false;

  const show = () => {
    const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter(({ row, text }) =>
      (!kind.value || row.dataset.kind === kind.value) && asked.every((word) => text.includes(word)));
    const shown = new Set((all ? found : found.slice(0, FIRST)).map(({ row }) => row));
    for (const { row } of rows) row.hidden = !shown.has(row);
    count.value = found.length === rows.length ? `${rows.length} rows` : `${found.length} of ${rows.length} rows`;
    more.hidden = shown.size === found.length;
    more.textContent = `Show all ${found.length} rows`;
  };

  const value = (row, column) => {
    const cell = row.cells[column];
    if (column > 2) return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
    return cell.textContent.trim();
  };

  const sort = (column) => {
    const head = heads[column], up = head.getAttribute("aria-sort") === "descending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const sign = up ? 1 : -1;
    rows.sort((one, two) => {
      if (column === 0) return -sign * (one.place - two.place); // the order of the ledger, newest first
      const a = value(one.row, column), b = value(two.row, column);
      if (a === b) return one.place - two.place;
      if (a === null || b === null) return a === null ? 1 : -1; // what has no value comes last, either way
      return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
    });
    body.append(...rows.map(({ row }) => row));
    show();
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });
  document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
  for (const control of [words, kind]) control.addEventListener("input", () => { all = false; show(); });
  more.addEventListener("click", () => { all = true; show(); });
  document.getElementById("controls").hidden = false;
  show();
})();
