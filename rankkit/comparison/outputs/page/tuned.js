// The plot of a tuning: what was tried, the front, the choice, and the config as it is.

const figures = JSON.parse(byId("figures").textContent);
// Shape as well as colour says what a point is.
const LOOKS = {
  dominated: { colour: "soft", symbol: "circle-open", size: 10 },
  "Pareto front": { colour: "c1", symbol: "circle", size: 10 },
  chosen: { colour: "c2", symbol: "star", size: 16 },
  "as it is": { colour: "ink", symbol: "x", size: 10 },
};

function traceOf({ name, points }) {
  const look = LOOKS[name];
  const known = points.every((point) => point.low !== null && point.high !== null);
  return {
    type: "scatter", mode: name === "Pareto front" ? "lines+markers" : "markers", name,
    x: points.map((point) => point.cost), y: points.map((point) => point.mean),
    text: points.map((point) => plain(point.name, 100)),
    hovertemplate: "%{text}<br>%{y:.4f} at %{x:.4g}<extra></extra>",
    marker: { color: colour(look.colour), symbol: look.symbol, size: look.size, line: { width: 1.5, color: colour(look.colour) } },
    line: { color: colour(look.colour), dash: "dash" },
    error_y: known ? {
      type: "data", symmetric: false, thickness: 1, color: colour(look.colour),
      array: points.map((point) => point.high - point.mean), arrayminus: points.map((point) => point.mean - point.low),
    } : undefined,
  };
}

function drawTuning() {
  const label = `${figures.measure} against ${figures.unit} a query; the table below has the figures.`;
  plot("plot", label, 440, () => ({
    traces: figures.groups.filter((group) => group.points.length).map(traceOf),
    layout: {
      showlegend: true, legend: LEGEND, margin: { l: 56, r: 16, t: 44, b: 48 },
      xaxis: { title: { text: `${figures.unit} a query` }, rangemode: "tozero" },
      yaxis: { title: { text: plain(figures.measure), standoff: 14 } },
    },
  }));
}

async function start() {
  listenToSurroundings();
  if (!("DecompressionStream" in window)) {
    byId("plot").hidden = true;
    return;
  }
  await runPacked("plotly-packed");
  drawTuning();
  document.documentElement.dataset.ready = "";
}

start();
