// What all parts share: the data, what is chosen, and how figures are written. Text from data enters by textContent only.

const figures = JSON.parse(document.getElementById("figures").textContent);
// A line a query; each is read when somebody opens it.
const queryLines = document.getElementById("query-lines").textContent.split("\n");

// Eight colours and shapes; the next eight systems have open shapes and dashed lines, those after them dots.
const SHAPES = ["circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon"];
const MARKS = "●■◆▲✚✖★⬢○□◇△✛☓☆⬡◉▣◈◬✙☒✪⏣";
const systems = figures.systems.map((system, index) => {
  const [slot, turn] = [index % 8, Math.floor(index / 8) % 3];
  return {
    ...system, index, slot, mark: MARKS[turn * 8 + slot],
    symbol: SHAPES[slot] + ["", "-open", "-open-dot"][turn], dash: ["solid", "dash", "dot"][turn],
  };
});
const baseline = Math.max(0, systems.findIndex((system) => system.name === figures.baseline));

const chosen = {
  measure: 0,
  view: 0,
  system: Math.max(0, systems.findIndex((_, index) => index !== baseline)),
  against: baseline,
  axis: "seconds",
  order: "losses",
  find: "",
  page: 0,
};

const measureName = () => figures.measures[chosen.measure];
const view = () => figures.views[chosen.view];

/** An element with properties, and children that are elements or text. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") made.className = value;
    else if (name.includes("-") || name === "role" || name === "scope") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function mark(system) {
  return element("span", { class: `mark s${system.slot}`, "aria-hidden": "true" }, system.mark);
}

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

function fixed(value, decimals = 4) {
  return value === null || value === undefined ? "–" : value.toFixed(decimals).replace("-", "−");
}

function signed(value, decimals = 4) {
  if (value === null || value === undefined) return "–";
  return (value > 0 ? "+" : "") + fixed(value, decimals);
}

/** A difference with an arrow, so that nobody has to see its colour. */
function change(value) {
  const way = value > 1e-9 ? "gain" : value < -1e-9 ? "loss" : "same";
  const arrow = { gain: "▲", loss: "▼", same: "=" }[way];
  return element("span", { class: way }, element("span", { "aria-hidden": "true" }, arrow), ` ${signed(value)}`);
}

function fillSelect(select, names, value) {
  select.replaceChildren(...names.map(([key, name]) => element("option", { value: String(key) }, name)));
  select.value = String(value);
}

/** Figures of one system for a query by the chosen measure; null where there are none. */
const valueOf = (system, query, measure = chosen.measure) => figures.values[measure][system][query];

/** The queries of the view that both systems have figures for, with their difference, worst first. */
function differences() {
  const data = new Set(view().data);
  const found = [];
  figures.queries.forEach(([place], query) => {
    if (!data.has(place)) return;
    const value = valueOf(chosen.system, query);
    const other = valueOf(chosen.against, query);
    if (value !== null && other !== null) found.push({ query, value, other, difference: value - other });
  });
  return found.sort((one, two) => one.difference - two.difference || one.query - two.query);
}

function queryLabel(query) {
  const [, id, text] = figures.queries[query];
  return text || `query ${id}`;
}
