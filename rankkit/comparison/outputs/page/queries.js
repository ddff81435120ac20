// The list of queries, a page at a time, and one query opened: the systems' lists side by side.

const PAGE_SIZE = 25;
let listed = []; // rows of differences() that match, in the chosen order
let opened = null; // the query that is open, and its lists
let lists = null;

function orderedRows(found) {
  const rows = found.filter(matches);
  if (chosen.order === "gains") rows.reverse();
  if (chosen.order === "change") rows.sort((one, two) => Math.abs(two.difference) - Math.abs(one.difference));
  if (chosen.order === "given") rows.sort((one, two) => one.query - two.query);
  return rows;
}

function matches(row) {
  const [, id, text] = figures.queries[row.query];
  return !chosen.find || `${id} ${text}`.toLowerCase().includes(chosen.find);
}

function showQueries() {
  const found = differences();
  drawDifferences(found);
  listed = orderedRows(found);
  byId("system-head").textContent = systems[chosen.system].name;
  byId("against-head").textContent = systems[chosen.against].name;
  showPage();
}

function showPage() {
  const pages = Math.max(1, Math.ceil(listed.length / PAGE_SIZE));
  chosen.page = Math.min(Math.max(chosen.page, 0), pages - 1);
  const start = chosen.page * PAGE_SIZE;
  const rows = listed.slice(start, start + PAGE_SIZE);
  const widest = listed.reduce((most, row) => Math.max(most, Math.abs(row.difference)), 0) || 1;
  byId("query-rows").replaceChildren(...rows.map((row) => queryRow(row, widest)));
  byId("page-place").textContent = listed.length
    ? `${grouped.format(start + 1)}–${grouped.format(start + rows.length)} of ${grouped.format(listed.length)}`
    : "no query matches";
  byId("previous-page").disabled = chosen.page === 0;
  byId("next-page").disabled = chosen.page === pages - 1;
}

function queryRow(row, widest) {
  const [place, id] = figures.queries[row.query];
  const where = view().data.length > 1 ? `${figures.data[place]}, ${id}` : id;
  const button = element("button", { type: "button", "aria-haspopup": "dialog" }, queryLabel(row.query));
  const made = element(
    "tr", { "data-query": String(row.query) },
    element("td", {}, button, element("small", {}, where)),
    element("td", { class: "num" }, fixed(row.other)),
    element("td", { class: "num" }, fixed(row.value)),
    element("td", { class: "num" }, change(row.difference), differenceBar(row.difference / widest)),
  );
  made.addEventListener("click", () => openQuery(row.query));
  return made;
}

/** A share of -1 to 1 as a bar from the middle. */
function differenceBar(share) {
  const width = Math.abs(share) * 50;
  const range = element("i", { class: share < 0 ? "range is-loss" : "range is-gain" });
  range.style.left = `${share < 0 ? 50 - width : 50}%`;
  range.style.width = `${width}%`;
  const zero = element("i", { class: "zero" });
  zero.style.left = "50%";
  return element("span", { class: "bar", "aria-hidden": "true" }, range, zero);
}

function openQuery(query) {
  opened = query;
  const [place, id, text] = figures.queries[query];
  const at = listed.findIndex((row) => row.query === query);
  byId("query-place").textContent = `${figures.data[place]}, query ${id}${at < 0 ? "" : ` · ${at + 1} of ${listed.length}`}`;
  byId("query-title").textContent = text || `Query ${id}`;
  byId("query-before").disabled = at <= 0;
  byId("query-after").disabled = at < 0 || at >= listed.length - 1;
  byId("query-values").replaceChildren(valuesTable(query));
  showLists(query);
  const dialog = byId("query");
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  byId("query-title").focus({ preventScroll: true });
}

/** Open the query before (-1) or after (1) this one in the list. */
function openBeside(step) {
  const row = listed[listed.findIndex((one) => one.query === opened) + step];
  if (row) openQuery(row.query);
}

function valuesTable(query) {
  const head = figures.measures.map((name) => element("th", { scope: "col", class: "num" }, name));
  const rows = systems.map((system) =>
    element(
      "tr", {}, element("th", { scope: "row" }, mark(system), " ", element("b", {}, system.name)),
      ...figures.measures.map((_, measure) => element("td", { class: "num" }, fixed(valueOf(system.index, query, measure)))),
    ),
  );
  const corner = element("th", { scope: "col" }, "System");
  return element("table", {}, element("thead", {}, element("tr", {}, corner, ...head)), element("tbody", {}, ...rows));
}

function showLists(query) {
  lists = JSON.parse(queryLines[query] || "null");
  const host = byId("query-lists");
  if (!lists) {
    byId("query-hint").textContent = "The lists of this query are not in this file.";
    host.replaceChildren();
    return;
  }
  const columns = systems.filter((system) => lists.lists[system.index]).map((system) => listColumn(system));
  if (!systems.some((system) => system.kind === "first stage") && lists.first.length) {
    columns.unshift(firstColumn());
  }
  host.replaceChildren(...columns);
  host.scrollLeft = 0;
  showWhere(null);
}

function listenToLists() {
  const host = byId("query-lists");
  const cardOf = (event) => event.target.closest(".document");
  const follow = (event) => {
    const card = cardOf(event);
    showWhere(card ? Number(card.dataset.document) : null);
  };
  host.addEventListener("pointerover", follow);
  host.addEventListener("focusin", follow);
  host.addEventListener("pointerleave", () => showWhere(null));
  host.addEventListener("click", (event) => {
    const card = cardOf(event);
    if (card) card.setAttribute("aria-expanded", String(card.getAttribute("aria-expanded") !== "true"));
  });
}

function listColumn(system) {
  const flat = lists.lists[system.index];
  const cards = [];
  for (let index = 0; index < flat.length; index += 2) {
    cards.push(documentCard(flat[index], index / 2 + 1, flat[index + 1]));
  }
  const what = `${fixed(valueOf(system.index, opened))} ${measureName()}`;
  const title = element("h3", {}, mark(system), ` ${system.name}`, element("small", {}, what));
  return element("section", { "aria-label": system.name }, title, element("ol", {}, ...cards));
}

function firstColumn() {
  const title = element("h3", {}, "first stage", element("small", {}, `${lists.candidates} candidates`));
  const cards = lists.first.map((document, index) => documentCard(document, index + 1, null));
  return element("section", { "aria-label": "first stage" }, title, element("ol", {}, ...cards));
}

function documentCard(number, rank, score) {
  const [id, title, text, grade, before] = lists.documents[number];
  const facts = [score === null ? null : `score ${short.format(score)}`, title ? id : null].filter(Boolean).join(" · ");
  const words = text === null ? "text left out" : text || "no text";
  return element(
    "li", {},
    element(
      "button", { type: "button", class: "document", "data-document": String(number), "aria-expanded": "false" },
      element("span", { class: "rank" }, String(rank)),
      element("span", { class: "id" }, title || id),
      gradeBadge(grade),
      element("span", { class: "facts" }, movement(before, rank), facts ? ` · ${facts}` : ""),
      element("span", { class: text ? "text" : "text none" }, words),
    ),
  );
}

function gradeBadge(grade) {
  if (grade === null) return element("span", { class: "grade unjudged", title: "not judged", "aria-label": "not judged" }, "?");
  const step = Math.min(3, Math.max(0, grade));
  return element("span", { class: `grade g${step}`, title: `grade ${grade}`, "aria-label": `grade ${grade}` }, String(grade));
}

/** How a document moved from its place in the first stage. */
function movement(before, rank) {
  if (before === null) return element("span", { class: "same" }, "not in the first stage");
  const moved = before - rank;
  if (!moved) return element("span", { class: "same" }, "= as before");
  const [way, arrow, word] = moved > 0 ? ["gain", "▲", "up"] : ["loss", "▼", "down"];
  return element(
    "span", { class: way, title: `${before} in the first stage` },
    element("span", { "aria-hidden": "true" }, `${arrow} `), `${word} ${Math.abs(moved)}`,
  );
}

/** Mark a document in all lists, and say where each has it. */
function showWhere(number) {
  for (const card of byId("query-lists").querySelectorAll(".document")) {
    card.classList.toggle("same-document", Number(card.dataset.document) === number && number !== null);
  }
  if (number === null) {
    byId("query-hint").textContent = "Arrows: movement against the first stage. Point at a document to see where each system has it; open it for its text.";
    return;
  }
  const [id, , , , before] = lists.documents[number];
  const places = systems.filter((system) => lists.lists[system.index]).map((system) => {
    const flat = lists.lists[system.index];
    const at = flat.findIndex((value, index) => index % 2 === 0 && value === number);
    return `${system.name}: ${at < 0 ? `below ${flat.length / 2}` : at / 2 + 1}`;
  });
  byId("query-hint").textContent = `${id} — first stage: ${before === null ? "not there" : before}; ${places.join("; ")}`;
}
