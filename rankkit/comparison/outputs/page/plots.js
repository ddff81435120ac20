// Plots, by Plotly: quality against cost, differences a query, outcomes, robustness.

const systemColour = (system) => colour(`c${system.slot}`);

const COST_HEIGHT = 400;
const COSTS = { seconds: "seconds", calls: "calls", tokens: "tokens", cost: "money", pairs: "pairs" };

function costPoints() {
  return systems.map((system) => {
    const interval = view().measures[system.index][measureName()];
    const cost = view().costs[system.index];
    return { system, interval, cost: cost ? cost[chosen.axis] : null };
  }).filter((point) => point.interval && point.interval[0] !== null);
}

/** The points that no cheaper one is as good as, by rising cost. */
function paretoFront(points) {
  const front = [];
  for (const point of [...points].sort((one, two) => one.cost - two.cost || two.interval[0] - one.interval[0])) {
    if (!front.length || point.interval[0] > front.at(-1).interval[0]) front.push(point);
  }
  return front;
}

function drawCost() {
  const points = costPoints();
  const placed = points.filter((point) => point.cost > 0);
  const free = points.filter((point) => !(point.cost > 0));
  const front = paretoFront(placed);
  const names = (some) => some.map((point) => `${point.system.name} (${fixed(point.interval[0])})`).join(", ");
  byId("cost-note").textContent = [
    front.length ? `Pareto front, cheapest first: ${names(front)}.` : "",
    free.length ? `Without ${COSTS[chosen.axis]} (dotted lines): ${names(free)}.` : "",
  ].join(" ");
  const label = `${measureName()} against ${COSTS[chosen.axis]} a query, log axis. ${byId("cost-note").textContent}`;
  plot("cost-plot", label, COST_HEIGHT, () => {
    const layout = costLayout(placed, free);
    return { traces: costTraces(placed, front, labelPlaces(placed, layout)), layout };
  });
}

function costTraces(placed, front, places) {
  const steps = { type: "scatter", mode: "lines", hoverinfo: "skip", line: { color: colour("soft"), width: 1.5, shape: "hv", dash: "dash" } };
  const traces = [{ ...steps, x: front.map((point) => point.cost), y: front.map((point) => point.interval[0]) }];
  placed.forEach((point, index) => {
    const [mean, low, high] = point.interval;
    const known = low !== null && high !== null;
    traces.push({
      type: "scatter", mode: "markers+text", x: [point.cost], y: [mean],
      text: [places[index] ? plain(point.system.name, 28) : ""], textposition: places[index] || "top right", cliponaxis: false,
      textfont: { color: colour("ink") },
      marker: { symbol: point.system.symbol, size: 13, color: systemColour(point.system), line: { color: point.system.dash === "solid" ? colour("page") : systemColour(point.system), width: 1 } },
      error_y: known ? { type: "data", symmetric: false, array: [high - mean], arrayminus: [mean - low], color: systemColour(point.system), thickness: 1.5, width: 4 } : undefined,
      hovertemplate: `<b>${plain(point.system.name)}</b><br>${plain(measureName())} ${fixed(mean)}<br>${short.format(point.cost)} ${COSTS[chosen.axis]} a query<extra></extra>`,
    });
  });
  return traces;
}

/** Each label stands beside its point, where it covers no other label and no other point; "" where there is no such
 * place: the point's shape and the table say whose it is, and whoever points at it sees the name. */
function labelPlaces(placed, layout) {
  const width = (onPaper() ? PAPER_WIDTH : Math.max(200, byId("cost-plot").clientWidth)) - layout.margin.l - layout.margin.r;
  const height = COST_HEIGHT - layout.margin.t - layout.margin.b;
  const [[left, right], [bottom, top]] = [layout.xaxis.range, layout.yaxis.range];
  const spots = placed.map((point) => [
    (Math.log10(point.cost) - left) / (right - left) * width,
    (top - point.interval[0]) / (top - bottom) * height,
  ]);
  const taken = spots.map(([x, y]) => [x - 8, y - 8, x + 8, y + 8]);
  return placed.map((point, index) => {
    const [x, y] = spots[index];
    const long = plain(point.system.name, 28).length * 7.5;
    const sides = x > width / 2 ? ["left", "right"] : ["right", "left"];
    const places = ["top", "bottom", "middle"].flatMap((height) => sides.map((side) => `${height} ${side}`));
    const boxes = places.map((place) => labelBox(place, x, y, long));
    const free = boxes.findIndex((box) => box[0] >= 0 && box[2] <= width && !taken.some((one, other) => other !== index && overlap(one, box)));
    if (free < 0) return "";
    taken.push(boxes[free]);
    return places[free];
  });
}

function labelBox(place, x, y, long) {
  const [height, side] = place.split(" ");
  const start = side === "right" ? x + 4 : x - 4 - long;
  const middle = { top: y - 16, middle: y, bottom: y + 16 }[height];
  return [start, middle - 8, start + long, middle + 8];
}

const overlap = (one, other) => one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];

/** 1, 2 and 5 of each power of ten; over more than three of these, the powers alone. */
function logTicks(low, high) {
  const steps = high - low > 3 ? [1] : [1, 2, 5];
  const values = [];
  for (let power = Math.floor(low); power <= high; power += 1) values.push(...steps.map((step) => step * 10 ** power));
  return { tickmode: "array", tickvals: values, ticktext: values.map((value) => short.format(value)) };
}

function costLayout(placed, free) {
  const logs = placed.map((point) => Math.log10(point.cost));
  const low = placed.length ? Math.min(...logs) : -1;
  const high = placed.length ? Math.max(...logs) : 1;
  const room = Math.max(0.35, (high - low) * 0.12);
  const bounds = [...placed.flatMap((point) => point.interval), ...free.map((point) => point.interval[0])].filter((bound) => bound !== null);
  const spread = Math.max(...bounds) - Math.min(...bounds) || 0.1;
  const [bottom, top] = [Math.min(...bounds) - spread * 0.08, Math.max(...bounds) + spread * 0.08];
  return {
    margin: { l: 56, r: 16, t: 16, b: 48 },
    xaxis: {
      type: "log", range: [low - room, high + room], ...logTicks(low - room, high + room),
      title: { text: `${COSTS[chosen.axis]} a query (log)` },
    },
    yaxis: { title: { text: plain(measureName()), standoff: 14 }, range: [bottom, top] },
    shapes: free.map((point) => ({
      type: "line", xref: "paper", x0: 0, x1: 1, y0: point.interval[0], y1: point.interval[0],
      line: { color: systemColour(point.system), width: 1.5, dash: "dot" },
    })),
    annotations: sharedLines(free, (top - bottom) * 0.05).map((points) => ({
      xref: "paper", x: 0, xanchor: "left", y: points.at(-1).interval[0], yanchor: "bottom", showarrow: false,
      text: points.map((point) => `${point.system.mark} ${plain(point.system.name, 28)}`).join("   "),
      font: { color: points.length > 1 ? colour("ink") : systemColour(points[0].system), size: 12 },
    })),
  };
}

/** Lines that are nearer to each other than a label is high share one. */
function sharedLines(free, near) {
  const groups = [];
  for (const point of [...free].sort((one, two) => one.interval[0] - two.interval[0])) {
    const last = groups.at(-1);
    if (last && point.interval[0] - last[0].interval[0] < near) last.push(point);
    else groups.push([point]);
  }
  return groups;
}

function drawDifferences(found) {
  const [system, against] = [systems[chosen.system].name, systems[chosen.against].name];
  const wins = found.filter((row) => row.difference > 1e-9).length;
  const losses = found.filter((row) => row.difference < -1e-9).length;
  const mean = found.reduce((sum, row) => sum + row.difference, 0) / (found.length || 1);
  byId("query-note").textContent = found.length
    ? `${grouped.format(found.length)} queries by ${measureName()}: ${system} is better on ${grouped.format(wins)}, ` +
      `equal on ${grouped.format(found.length - wins - losses)}, worse on ${grouped.format(losses)}; mean difference ${signed(mean)}.`
    : "No query has figures for both systems.";
  const host = plot("query-plot", `Differences a query, ${system} less ${against}. ${byId("query-note").textContent}`, 320, () => ({
    traces: [{
      type: "bar", x: found.map((_, index) => index + 1), y: found.map((row) => row.difference), customdata: found.map((row) => row.query),
      marker: { color: found.map((row) => colour(row.difference < 0 ? "loss" : "gain")), line: { width: 0 } },
      text: found.map((row) => plain(queryLabel(row.query), 80)), textposition: "none",
      hovertemplate: "%{text}<br>%{y:+.4f}<extra></extra>",
    }],
    layout: {
      bargap: found.length > 300 ? 0 : 0.25,
      xaxis: { title: { text: "queries, by difference" }, showgrid: false, range: [0.3, found.length + 0.7], nticks: 8 },
      yaxis: { title: { text: `difference in ${plain(measureName())}`, standoff: 14 }, zeroline: true },
    },
  }));
  if (!host.dataset.clicks && host.on) {
    host.dataset.clicks = "yes";
    host.on("plotly_click", (event) => openQuery(event.points[0].customdata));
  }
}

const OUTCOMES = { ok: ["c3", ""], repaired: ["c5", "/"], refused: ["c4", "x"], truncated: ["c6", "."], unreadable: ["c2", "\\"], failed: ["c0", "+"] };

function drawOutcomes() {
  const asked = systems.filter((system) => Object.values(figures.outcomes[system.index]).some((count) => count));
  byId("outcome-plot").hidden = !asked.length;
  if (!asked.length) return;
  byId("outcome-plot").classList.add("low");
  const kinds = [...new Set([...Object.keys(OUTCOMES), ...asked.flatMap((system) => Object.keys(figures.outcomes[system.index]))])];
  const total = (system) => Object.values(figures.outcomes[system.index]).reduce((sum, count) => sum + count, 0);
  plot("outcome-plot", "Shares of the outcomes of each system's questions, over all data; the table below has the counts.", 90 + 44 * asked.length, () => ({
    traces: kinds.map((kind) => ({
      type: "bar", orientation: "h", name: plain(kind),
      y: asked.map((system) => `${system.mark} ${plain(system.name, 28)}`),
      x: asked.map((system) => (figures.outcomes[system.index][kind] || 0) / total(system)),
      marker: {
        color: colour((OUTCOMES[kind] || ["c7"])[0]),
        pattern: { shape: (OUTCOMES[kind] || ["", "|"])[1], fgcolor: colour("page"), fillmode: "overlay", size: 7 },
      },
      hovertemplate: `%{x:.1%} ${plain(kind)}<extra></extra>`,
    })).filter((trace) => trace.x.some((share) => share)),
    layout: {
      barmode: "stack", bargap: 0.35, showlegend: true, legend: { ...LEGEND, traceorder: "normal" },
      margin: { l: 56, r: 16, t: 44, b: 30 },
      xaxis: { tickformat: ".0%", range: [0, 1] }, yaxis: { autorange: "reversed", ticks: "" },
    },
  }));
}

/** The figures of a system for the data set that is shown (the first, where all are). */
function robustnessOf(system) {
  const found = figures.robustness[system.name];
  if (!found || figures.data.length === 1) return found;
  return found[figures.data[view().data[0]]];
}

function drawRobustness() {
  const varied = systems.map((system) => ({ system, found: robustnessOf(system) })).filter((row) => row.found);
  const data = figures.data.length > 1 ? ` on ${figures.data[view().data[0]]}` : "";
  const spread = varied.filter((row) => row.found.spread && row.found.spread[measureName()]);
  const curves = varied.filter((row) => Array.isArray(row.found.favoured));
  byId("spread-plot").hidden = !spread.length;
  byId("position-plot").hidden = !curves.length;
  if (spread.length) drawSpread(spread, data);
  if (curves.length) drawPositions(curves, data);
}

function drawSpread(rows, data) {
  const bounds = rows.flatMap(({ found }) => Object.values(found.spread[measureName()]));
  const room = Math.max(0.01, (Math.max(...bounds) - Math.min(...bounds)) * 0.1);
  const range = [Math.min(...bounds) - room, Math.max(...bounds) + room];
  const label = `Lowest to highest ${measureName()} over the orders of the candidates${data}; the table below has the figures.`;
  plot("spread-plot", label, 110 + 44 * rows.length, () => ({
    traces: rows.map(({ system, found }) => {
      const { original, low, high } = found.spread[measureName()];
      const name = `${system.mark} ${plain(system.name, 28)}`;
      return {
        type: "scatter", mode: "lines+markers", x: [low, original, high], y: [name, name, name],
        line: { color: systemColour(system), width: 3, dash: system.dash },
        marker: { symbol: ["line-ns", system.symbol, "line-ns"], size: [14, 12, 14], color: systemColour(system), line: { color: systemColour(system), width: 2 } },
        hovertemplate: `%{x:.4f}<extra></extra>`,
      };
    }),
    layout: { xaxis: { range, title: { text: `${plain(measureName())}, lowest – as it is – highest${plain(data)}` } }, yaxis: { autorange: "reversed", type: "category" } },
  }));
}

function drawPositions(rows, data) {
  const label = `Share of queries whose best document came in at each position${data}.`;
  const bins = Math.max(...rows.map(({ found }) => found.favoured.length));
  const places = Array.from({ length: bins }, (_, index) => index + 1);
  plot("position-plot", label, 320 + 20 * Math.ceil((rows.length + 1) / 3), () => ({
    traces: [
      {
        type: "scatter", mode: "lines", name: "without preference", x: places, y: rows[0].found.expected,
        line: { color: colour("soft"), width: 1.5, dash: "dash" }, hovertemplate: "%{y:.1%} expected<extra></extra>",
      },
      ...rows.map(({ system, found }) => ({
        type: "scatter", mode: "lines+markers", name: plain(system.name, 28), x: places, y: found.favoured,
        line: { color: systemColour(system), width: 2, dash: system.dash }, marker: { symbol: system.symbol, size: 8 },
        hovertemplate: `%{y:.1%} ${plain(system.name, 28)}<extra></extra>`,
      })),
    ],
    layout: {
      showlegend: true, legend: LEGEND, margin: { l: 56, r: 16, t: 44, b: 48 },
      xaxis: { title: { text: `position in the input, in ${bins} parts${plain(data)}` }, nticks: Math.min(bins, 10) },
      yaxis: { title: { text: "share of best documents" }, tickformat: ".0%", rangemode: "tozero" },
    },
  }));
}
