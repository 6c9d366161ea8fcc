// A data table: sorted by a click on a column's title, filtered by a word, shown in pages.
import { useState } from "react";

const textOf = (cell) => cell.text ?? cell.elements.flatMap((part) => part.elements).map((part) => part.text ?? part.fallback ?? part.user_id ?? "").join("");

/** By value where all cells of the column are numbers, else alphabetically. */
function compare(column, rows) {
  const numeric = rows.every((row) => row[column].type === "raw_number");
  return (one, other) => (numeric ? one[column].value - other[column].value : textOf(one[column]).localeCompare(textOf(other[column])));
}

/** `draw` draws a cell of rich text. */
export function DataTable({ table, draw }) {
  const [header, ...all] = table.rows;
  const [order, setOrder] = useState({ column: null, descending: false });
  const [filter, setFilter] = useState("");
  const [page, setPage] = useState(0);
  const size = table.page_size ?? 5;
  const found = all.filter((row) => row.some((cell) => textOf(cell).toLowerCase().includes(filter.toLowerCase())));
  const sorted = order.column === null ? found : found.toSorted(compare(order.column, all));
  if (order.descending) sorted.reverse();
  const pages = Math.max(1, Math.ceil(sorted.length / size));
  const rowHeader = table.row_header_column_index ?? 0;
  const sortBy = (column) => setOrder({ column, descending: order.column === column && !order.descending });
  return (
    <div className="data-table">
      {all.length > size && (
        <input type="search" aria-label={`Filter: ${table.caption}`} placeholder="Filter" value={filter} onChange={({ target }) => { setFilter(target.value); setPage(0); }} />
      )}
      <div className="scrolled">
        <table>
          <caption>{table.caption}</caption>
          <thead>
            <tr>
              {header.map((cell, column) => (
                <th key={column} scope="col" aria-sort={order.column === column ? (order.descending ? "descending" : "ascending") : "none"}>
                  <button type="button" onClick={() => sortBy(column)}>{cell.text}{order.column === column && (order.descending ? " ↓" : " ↑")}</button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.slice(page * size, (page + 1) * size).map((row, number) => (
              <tr key={number}>
                {row.map((cell, column) => {
                  const Cell = column === rowHeader ? "th" : "td";
                  return <Cell key={column} scope={column === rowHeader ? "row" : undefined} className={cell.type}>{cell.text ?? draw(cell)}</Cell>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {pages > 1 && (
        <p className="pages">
          <button type="button" className="button" disabled={page === 0} onClick={() => setPage(page - 1)}>Previous</button>
          <span>Page {page + 1} of {pages}</span>
          <button type="button" className="button" disabled={page + 1 >= pages} onClick={() => setPage(page + 1)}>Next</button>
        </p>
      )}
    </div>
  );
}
