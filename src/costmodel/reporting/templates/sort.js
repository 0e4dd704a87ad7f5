"use strict";
// A head of a table is a button: it sorts the rows by its column, up and then down.
document.addEventListener("click", (event) => {
  const button = event.target.closest("th button");
  if (!button) return;
  const head = button.parentElement, table = head.closest("table");
  const column = Array.from(head.parentElement.children).indexOf(head);
  const up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const text = (row) => row.children[column].textContent.trim();
  const number = (row) => parseFloat(row.children[column].dataset.value ?? "NaN");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows).sort((a, b) => {
    const [m, n] = [number(a), number(b)];
    const order = Number.isNaN(m) || Number.isNaN(n) ? text(a).localeCompare(text(b), "en", {numeric: true}) : m - n;
    return up ? order : -order;
  });
  body.append(...rows);
});
